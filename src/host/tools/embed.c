/* embed: prints the C source of src/bind/embed.h's table. Runs at build time only.
 *
 *   embed PREFIX FILE...
 *
 * Each file's name in the table is its path without PREFIX; the files arrive sorted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *path) {
  fprintf(stderr, "embed: %s: %s\n", path, strerror(errno));
  exit(EXIT_FAILURE);
}

/* One array a file, with a final zero that the size leaves out: text may be used as a C string. */
static size_t print_bytes(const char *path, int index) {
  FILE *f = fopen(path, "rb");
  if (f == NULL) die(path);
  size_t size = 0;
  int c;
  printf("static const unsigned char file_%d[] = {", index);
  while ((c = getc(f)) != EOF) printf("%s%d,", size++ % 24 == 0 ? "\n" : "", c);
  printf("0};\n");
  if (ferror(f)) die(path);
  fclose(f);
  return size;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fputs("usage: embed PREFIX FILE...\n", stderr);
    return EXIT_FAILURE;
  }
  size_t *size = calloc((size_t)argc, sizeof *size);
  if (size == NULL) die("table");
  size_t skip = strlen(argv[1]);

  puts("/* Made by src/host/tools/embed.c. */\n#include \"bind/embed.h\"\n");
  for (int i = 2; i < argc; i++) size[i] = print_bytes(argv[i], i);
  puts("\nconst nn_embedded nn_embedded_files[] = {");
  for (int i = 2; i < argc; i++) {
    const char *name = strncmp(argv[i], argv[1], skip) == 0 ? argv[i] + skip : argv[i];
    printf("  {\"%s\", file_%d, %zu},\n", name, i, size[i]);
  }
  puts("  {0, 0, 0},\n};");
  free(size);
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
