/*
 * bench/fann.c: FANN (libfann), a library in C for small fully connected nets, as a contestant of `make
 * bench` where its headers are installed. It has no softmax and no cross-entropy: seed-net ends in
 * sigmoids and squared error there, which is less work. One thread.
 *
 * Answers requests, one a line (see run.lua): run WORK BATCH SECONDS -> ok STEPS_PER_SECOND LABEL
 */
#include <floatfann.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/measure.h"

typedef struct training {
  struct fann *net;
  struct fann_train_data *data;
} training;

static void step(void *arg) {
  training *t = arg;
  if (t->data->num_data == 1)
    fann_train(t->net, t->data->input[0], t->data->output[0]);
  else
    fann_train_epoch(t->net, t->data);
}

static training seed_net(unsigned batch) {
  training t = {fann_create_standard(3, 784, 15, 10), fann_create_train(batch, 784, 10)};
  fann_set_activation_function_hidden(t.net, FANN_SIGMOID);
  fann_set_activation_function_output(t.net, FANN_SIGMOID);
  for (unsigned i = 0; i < batch; i++) {
    for (unsigned j = 0; j < 784; j++)
      t.data->input[i][j] = (float)((i * 784 + j) * 2654435761u >> 24) / 256;
    for (unsigned j = 0; j < 10; j++) t.data->output[i][j] = j == i % 10;
  }
  return t;
}

static training tiny(void) {
  training t = {fann_create_standard(3, 2, 8, 1), fann_create_train(4, 2, 1)};
  fann_set_activation_function_hidden(t.net, FANN_SIGMOID_SYMMETRIC); /* its tanh */
  fann_set_activation_function_output(t.net, FANN_LINEAR);
  for (unsigned i = 0; i < 4; i++) {
    t.data->input[i][0] = (float)(i & 1);
    t.data->input[i][1] = (float)(i >> 1);
    t.data->output[i][0] = (float)((i & 1) ^ (i >> 1));
  }
  return t;
}

static void run(const char *work, unsigned batch, double seconds) {
  const bool is_tiny = strcmp(work, "tiny") == 0;
  if (!is_tiny && strcmp(work, "seed-net") != 0) {
    printf("skip no %s in FANN\n", work);
    return;
  }
  training t = is_tiny ? tiny() : seed_net(batch);
  fann_set_learning_rate(t.net, 0.1f);
  fann_set_training_algorithm(t.net, batch == 1 ? FANN_TRAIN_INCREMENTAL : FANN_TRAIN_BATCH);
  printf("ok %.9g FANN\n", measure(step, &t, seconds));
  fann_destroy_train(t.data);
  fann_destroy(t.net);
}

int main(void) {
  char text[1024], work[32];
  unsigned batch;
  double seconds;
  while (fgets(text, sizeof text, stdin) != NULL) {
    if (sscanf(text, "run %31s %u %lf", work, &batch, &seconds) == 3)
      run(work, batch, seconds);
    else
      printf("error not understood: %s", text);
    fflush(stdout);
  }
  return 0;
}
