/* test_library.c: libraries that are loaded at first use. */
#include "base/library.h"
#include "nn_test.h"

#include <cairo.h>
#include <histedit.h>
#include <jansson.h>
#include <jpeglib.h>
#include <png.h>
#include <zip.h>

#define ZIP(F) F(zip_libzip_version) F(zip_open)
NN_LIBRARY(zip, NN_SONAME_ZIP, "libzip", ZIP)
#define JSON(F) F(json_loadb)
NN_LIBRARY(json, NN_SONAME_JANSSON, "Jansson", JSON)
#define PNG(F) F(png_access_version_number)
NN_LIBRARY(png, NN_SONAME_PNG, "libpng", PNG)
#define JPEG(F) F(jpeg_std_error)
NN_LIBRARY(jpeg, NN_SONAME_JPEG, "libjpeg", JPEG)
#define CAIRO(F) F(cairo_version)
NN_LIBRARY(cairo, NN_SONAME_CAIRO, "Cairo", CAIRO)
#define EDIT(F) F(el_init)
NN_LIBRARY(edit, NN_SONAME_EDIT, "libedit", EDIT)

static void test_all_load_and_answer(void **state) {
  nn_ctx *ctx = *state;
  assert_int_equal(zip_load(ctx), NN_OK);
  assert_int_equal(zip_load(ctx), NN_OK);
  assert_non_null(strchr(zip.zip_libzip_version(), '.'));
  assert_int_equal(json_load(ctx), NN_OK);
  assert_int_equal(png_load(ctx), NN_OK);
  assert_int_equal(png.png_access_version_number(), PNG_LIBPNG_VER);
  assert_int_equal(jpeg_load(ctx), NN_OK);
  assert_int_equal(cairo_load(ctx), NN_OK);
  assert_int_equal(cairo.cairo_version(), CAIRO_VERSION);
  assert_int_equal(edit_load(ctx), NN_OK);
}

static void test_what_is_missing_is_named(void **state) {
  nn_ctx *ctx = *state;
  void *to[2] = {NULL, NULL};
  const char *const names[] = {"zip_open", "zip_bake_a_cake"};
  assert_int_equal(nn_library_load(ctx, "libnowhere.so.7", "Nowhere", 1, names, to), NN_EIO);
  assert_non_null(strstr(ctx->err, "Nowhere is needed for this, and libnowhere.so.7 cannot be"));
  assert_int_equal(nn_library_load(ctx, NN_SONAME_ZIP, "libzip", 2, names, to), NN_EIO);
  assert_non_null(strstr(ctx->err, "has no function zip_bake_a_cake"));
  assert_null(to[0]);
}

static void test_full_name_of_another_machine(void **state) {
  nn_ctx *ctx = *state;
  void *to[1] = {NULL};
  const char *const names[] = {"zip_open"};
  assert_int_equal(nn_library_load(ctx, "/nowhere/libnowhere.so.7", "it", 1, names, to), NN_EIO);
  assert_non_null(strstr(ctx->err, "/nowhere/libnowhere.so.7 cannot be loaded"));
  assert_null(to[0]);
  assert_int_equal(nn_library_load(ctx, "/nowhere/" NN_SONAME_ZIP, "libzip", 1, names, to), NN_OK);
  assert_non_null(to[0]); /* last: a failure's text would lie in glibc's thread-local memory */
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_all_load_and_answer, t_setup, t_teardown),
    cmocka_unit_test_setup_teardown(test_what_is_missing_is_named, t_setup, t_teardown),
    cmocka_unit_test_setup_teardown(test_full_name_of_another_machine, t_setup, t_teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
