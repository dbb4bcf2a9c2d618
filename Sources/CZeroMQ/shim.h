#ifndef SELMIX_CZEROMQ_SHIM_H
#define SELMIX_CZEROMQ_SHIM_H

#include <errno.h>
#include <sys/eventfd.h>
#include <zmq.h>

// The flags are an enumeration in some C libraries and macros in others.
static inline int selmix_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

#endif
