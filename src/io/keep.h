/* io/keep.h: the version of a file before the one that is about to take its place, and what crashes
   have left beside it. */
#ifndef NN_IO_KEEP_H
#define NN_IO_KEEP_H

#include "base/context.h"

/* Makes `previous` a second name of the file that is at `path` now (a symbolic link is followed), in
   place of what was there; where there is no file at `path` nothing happens. `path` itself stays: at
   no moment is either name without a whole file, if it had one. Where files cannot have two names
   it is renamed. */
nn_status nn_file_keep(nn_ctx *ctx, const char *path, const char *previous);

/* Removes the temporary files of io/file.h for a path (or what it links to) that nobody will finish: their process is gone,
   and nothing has been written to them for a minute (it may be one of another machine). What cannot
   be removed stays. */
void nn_file_sweep(const char *link);

#endif
