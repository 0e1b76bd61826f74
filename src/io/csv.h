/*
 * io/csv.h: tables of text, a row a line (RFC 4180, and what programs make of it), read straight into
 * tensors.
 *
 * What is taken: cells parted by one byte; quoted cells, which may hold the delimiter, line ends and ""
 * for a quote; LF or CR LF; a UTF-8 byte order mark; a first line "sep=;"; blanks around cells; empty
 * lines, which are passed over; gzip. What is refused is in csv_rows.c (problems), each with row, column
 * and the cell's text.
 */
#ifndef NN_IO_CSV_H
#define NN_IO_CSV_H

#include "io/csv_number.h"
#include "io/input.h"
#include "tensor/tensor.h"

enum {
  NN_CSV_COLUMNS = 1000000, /* at most, */
  NN_CSV_LINE = 16 << 20,   /* bytes of a row, */
  NN_CSV_TEXTS = 65536,     /* different texts of a column, */
  NN_CSV_NAME = 4096,       /* bytes of a text or name */
  NN_CSV_PARTS = 16,        /* threads that share a block */
  NN_CSV_PAD = 16           /* bytes behind the buffer */
};

/* ---- texts of a column ---- */

/* Different texts in the order in which they first came; number i (from 0) stands at start[i]. */
typedef struct nn_csv_texts {
  int64_t n, room;
  int64_t *start; /* (room + 1) */
  uint64_t *hash; /* (room) */
  char *bytes;
  size_t used, space;
  int32_t *slot; /* (2 room) number + 1; 0: free */
} nn_csv_texts;

/* The number of a text, which is added where it is new; -1: there are too many. */
nn_status nn_csv_intern(nn_ctx *ctx, nn_csv_texts *t, const char *text, size_t n, int64_t *number);
const char *nn_csv_text(const nn_csv_texts *t, int64_t number, size_t *n);
void nn_csv_texts_drop(nn_ctx *ctx, nn_csv_texts *t);
bool nn_utf8_valid(const char *text, size_t n);

/* ---- a table ---- */

/* What becomes of a column. */
typedef enum nn_csv_use {
  NN_CSV_SKIP,
  NN_CSV_X,      /* numbers, to x */
  NN_CSV_Y,      /* numbers, to y */
  NN_CSV_TARGET, /* numbers to y, or labels when the first that comes is a text */
  NN_CSV_LABEL,  /* texts, their numbers to y */
  NN_CSV_CODES   /* texts, their numbers to x */
} nn_csv_use;

typedef enum nn_csv_missing {
  NN_CSV_ERROR,
  NN_CSV_MEAN, /* x: NaN here; nn_csv_load fills in the mean of the others */
  NN_CSV_DROP, /* the row is left out */
  NN_CSV_VALUE
} nn_csv_missing;

typedef struct nn_csv_column {
  nn_csv_use use;
  int64_t to;         /* place in the row of x or y */
  int64_t name;       /* number in the names; -1: it has none */
  int64_t text;       /* LABEL, CODES: place among these columns */
  nn_csv_texts texts; /* LABEL, CODES */
} nn_csv_column;

/* What the caller says; then what it wants to be read. */
typedef struct nn_csv_options {
  char delimiter; /* 0: guessed from the first line among , ; tab | */
  char decimal;   /* '.' or ',' */
  int header; /* 0: the first row is data; 1: names; -1: names, and numbers there are an error */
} nn_csv_options;

typedef struct nn_csv_plan {
  nn_dtype dtype; /* of x and y: float32 or float64 */
  nn_csv_missing missing;
  double value;   /* for NN_CSV_VALUE */
  bool codes;     /* features of text become codes; else they are an error */
  bool nonfinite; /* nan and inf are numbers; else missing and an error */
} nn_csv_plan;

/* Whole rows, as they stand in the file. */
typedef struct nn_csv_block {
  int64_t at, size;  /* bytes */
  int64_t line, row; /* of the first, counted from 1; the row without the header */
  int64_t rows;      /* that are kept */
} nn_csv_block;

typedef struct nn_csv {
  nn_ctx *ctx;
  char *path; /* a copy */
  nn_input in;
  nn_number_format number;
  char delimiter;
  int header;
  nn_csv_plan plan;
  int64_t ncol, nx, ny, ntext; /* columns in the file, in x, in y (labels: 0), of texts */
  bool label;                  /* y holds labels */
  nn_csv_column *column;       /* (ncol) */
  nn_csv_texts names;          /* of the columns; empty without a header */
  char *buffer;
  size_t room, held, used; /* bytes: of the buffer, in it, of these dealt with */
  bool end;                /* of the file is in the buffer */
  nn_csv_block next;       /* where the buffer's first byte stands; size and rows unused */
  int64_t first, line;     /* the first row of data: byte, line */
  int64_t nblock, rblock;  /* the index (nn_csv_scan), and its room */
  nn_csv_block *block;
  int64_t rows; /* that are kept, in all blocks */
  double *mean; /* (nx) of the columns of x, for NN_CSV_MEAN; NULL: not known */
} nn_csv;

/* Opens a table and reads its header. On failure there is nothing to close. */
nn_status nn_csv_open(nn_ctx *ctx, const char *path, const nn_csv_options *o, nn_csv **out);
void nn_csv_close(nn_csv *r);
/* The name of a column (from 0), "column 3" where it has none of its own. */
const char *nn_csv_name(const nn_csv *r, int64_t column, char buffer[32], size_t *n);

/*
 * Columns get their `use` and `to` from the caller, r->plan too; then this looks at the first rows
 * to tell text from numbers, settles the columns marked TARGET, and sets nx, ny and ntext.
 */
nn_status nn_csv_begin(nn_csv *r);
/* Reads all rows. x is rows x nx; y rows x ny, or labels (int64, numbers of texts from 1), or NULL. */
nn_status nn_csv_load(nn_csv *r, nn_tensor **x, nn_tensor **y);
/* Reads all rows, keeps none, and notes where the blocks stand, how many rows there are, their means
   where these are wanted. The file must not be gzip. */
nn_status nn_csv_scan(nn_csv *r);
/* Reads one of these blocks (from 0). */
nn_status nn_csv_load_block(nn_csv *r, int64_t b, nn_tensor **x, nn_tensor **y);

/* ---- between our files ---- */

typedef struct nn_csv_cell {
  const char *p;   /* the text, blanks and quotes around it taken off */
  size_t n;        /* bytes */
  bool quoted;     /* "" in it stands for one quote */
  const char *end; /* the delimiter or line end behind it */
} nn_csv_cell;

typedef enum nn_csv_problem {
  NN_CSV_FINE,
  NN_CSV_QUOTE_INSIDE,
  NN_CSV_AFTER_QUOTE,
  NN_CSV_LONE_CR,
  NN_CSV_FEW,
  NN_CSV_MANY,
  NN_CSV_NOT_NUMBER,
  NN_CSV_TOO_LARGE,
  NN_CSV_IS_MISSING,
  NN_CSV_LABEL_MISSING,
  NN_CSV_IS_TEXT,
  NN_CSV_BAD_TEXT,
  NN_CSV_MANY_TEXTS
} nn_csv_problem;

/* Rows as the buffer holds them, cut for several threads. */
typedef struct nn_csv_cuts {
  int parts;
  size_t cut[NN_CSV_PARTS + 1];    /* part k: cut[k] to cut[k + 1] */
  int64_t lines[NN_CSV_PARTS + 1]; /* ends of lines before cut[k] */
} nn_csv_cuts;

/* csv_cell.c: the cell at p. */
nn_csv_problem nn_csv_cell_at(const nn_csv *r, const char *p, nn_csv_cell *cell);
static inline bool nn_csv_line_end(const char *p) {
  return *p == '\n' || (*p == '\r' && p[1] == '\n');
}
/* Behind the cell's delimiter or line end. */
static inline const char *nn_csv_behind(const char *end) {
  return end + 1 + (*end == '\r');
}
bool nn_csv_is_missing(const nn_csv_cell *cell);
/* Its number; false when it is something else. */
bool nn_csv_cell_number(const nn_csv *r, const nn_csv_cell *cell, double *x, const char **end);
/* The same for nan, inf and infinity, with or without a sign. */
bool nn_csv_cell_nonfinite(const nn_csv_cell *cell, double *x);
/* Adds the cell's text to the column's. BAD_TEXT, MANY_TEXTS or FINE. */
nn_status nn_csv_cell_text(nn_ctx *ctx, nn_csv_texts *t, const nn_csv_cell *cell, int64_t *number,
                           nn_csv_problem *bad);
/* The error text of a problem. `column` from 0; FEW and MANY: the number of cells. */
nn_status nn_csv_fail(const nn_csv *r, nn_csv_problem bad, int64_t row, int64_t line,
                      int64_t column, const nn_csv_cell *cell);

/* csv_block.c: the next whole rows of the file, at r->buffer + cut[0]; parts = 0 at the end. */
nn_status nn_csv_next(nn_csv *r, int parts, nn_csv_cuts *cuts);
/* The most rows that can be in it: a row has a line end, and a byte or more for each cell. */
int64_t nn_csv_most(const nn_csv *r, const nn_csv_cuts *cuts);
/* The same for a block that was noted: all of it, unless the file has changed. */
nn_status nn_csv_fetch(nn_csv *r, const nn_csv_block *b, int parts, nn_csv_cuts *cuts);
/* csv_rows.c: parses them to x and y, which have room for nn_csv_most rows; how many there were and how
   many were kept. */
nn_status nn_csv_parse(nn_csv *r, const nn_csv_cuts *cuts, void *x, void *y, int64_t *rows,
                       int64_t *kept);

#endif
