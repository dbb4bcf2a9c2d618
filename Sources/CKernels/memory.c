#include "CKernels.h"

#include <malloc.h>

void smx_share_one_heap(void) { mallopt(M_ARENA_MAX, 1); }
