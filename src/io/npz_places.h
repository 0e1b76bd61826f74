/* io/npz_places.h: where the entries of a zip archive stand, which libzip does not tell. */
#ifndef NN_IO_NPZ_PLACES_H
#define NN_IO_NPZ_PLACES_H

#include "io/file.h"

/* Fails where two entries share bytes, or one reaches into the directory at the end: a few kilobytes
   can hold petabytes so (Fifield: "A better zip bomb", 2019). libzip has found the archive in order. */
nn_status nn_npz_check_places(const nn_file_source *f);

#endif
