#include "build_stamp.h"

#ifndef SELMIX_BUILD
#define SELMIX_BUILD "development build"
#endif

const char *selmix_build_stamp(void) { return SELMIX_BUILD; }
