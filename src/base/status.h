/* base/status.h: what every core function returns. The text of a failure is in ctx->err. */
#ifndef NN_BASE_STATUS_H
#define NN_BASE_STATUS_H

typedef enum nn_status {
  NN_OK = 0,
  NN_ENOMEM,   /* no memory, or over the limit */
  NN_ESHAPE,   /* shapes do not fit */
  NN_ETYPE,    /* wrong dtype or kind of argument */
  NN_EINDEX,   /* a dimension or position out of range */
  NN_EVALUE,   /* a number, name or label out of range */
  NN_ESTATE,   /* right argument, wrong moment: released, changed in place, used twice */
  NN_EINTR,    /* stopped by the user */
  NN_EIO,      /* a file or stream */
  NN_ECALLBACK /* a callback failed; the host keeps its error value */
} nn_status;

/* Returns from the enclosing function, or jumps to its single exit, when a call failed. */
#define NN_TRY(call)                      \
  do {                                    \
    nn_status nn_try_ = (call);           \
    if (nn_try_ != NN_OK) return nn_try_; \
  } while (0)
#define NN_GO(call)             \
  do {                          \
    st = (call);                \
    if (st != NN_OK) goto done; \
  } while (0)

#endif
