// What code inside this library sees of a team.
#ifndef CK_INTERNAL_TEAM_H
#define CK_INTERNAL_TEAM_H

#include "ck_team.h"
#include "kernels.h"

/// One thread of a team at work.
typedef struct ck_member {
    ck_team *team;
    int32_t index;
} ck_member;

typedef void ck_task(ck_member *member, void *context);

/// Runs a task in every thread of the team and returns when all are done.
void ck_team_run(ck_team *team, ck_task *task, void *context);
/// The same with memory to work in, which keeps what it holds until the next task.
///
/// @param place is called with the memory before the task runs.
/// @return false where there is not so much memory.
bool ck_team_run_in(ck_team *team, size_t bytes, void (*place)(void *context, void *memory), ck_task *task, void *context);
const ck_kernels *ck_team_kernels(const ck_team *team);

/// Waits until every member of the team has come here; what they wrote before can then be read, and pieces of work are
/// counted from 0 again.
void ck_member_wait(ck_member *member);
/// The next piece of work that nobody has taken. Who takes which piece is chance; what becomes of it must not depend on
/// who did it.
ptrdiff_t ck_member_take(ck_member *member);

#endif
