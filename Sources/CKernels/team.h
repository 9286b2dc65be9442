// The functions of a team for code within this library.
#ifndef CK_INTERNAL_TEAM_H
#define CK_INTERNAL_TEAM_H

#include "ck_team.h"
#include "kernels.h"

/// Runs phases, with working memory that keeps its contents until the next run.
///
/// @param place is called with the memory before the first phase begins.
/// @return false if there is not enough memory.
bool ck_team_run_in(ck_team *team, size_t bytes, void (*place)(void *context, void *memory), void *context, const ck_phase *phases, ptrdiff_t count);
const ck_kernels *ck_team_kernels(const ck_team *team);

#endif
