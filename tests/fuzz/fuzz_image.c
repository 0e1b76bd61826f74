/* fuzz_image.c: PNG and JPEG. Pictures of up to a million pixels are decoded, in grey and in colour. */
#include "fuzz.h"
#include "io/image.h"

enum { PIXELS = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  nn_ctx *ctx = fuzz_context();
  nn_image m = {.data = data, .bytes = size};
  if (nn_image_ready(ctx) != NN_OK) abort();
  if (!nn_image_head(&m)) {
    if (!m.error[0]) abort();
    return 0;
  }
  if (m.width * m.height > PIXELS) return 0;
  for (int channels = 1; channels <= 3; channels += 2) {
    unsigned char *pixels = malloc((size_t)(m.width * m.height * channels) + 1);
    if (!pixels) abort();
    nn_image again = m;
    if (!nn_image_decode(&again, channels, pixels) && !again.error[0]) abort();
    free(pixels);
  }
  return fuzz_done(ctx, NN_OK);
}
