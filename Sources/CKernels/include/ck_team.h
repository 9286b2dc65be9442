// Threads that work together on one run at a time, and the instruction set that they use.
#ifndef CK_TEAM_H
#define CK_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Threads that wait for work, first spinning, then sleeping. Runs started on several threads are executed one after the other.
typedef struct ck_team ck_team;

/// Instruction sets that this build supports and this processor has, the fastest first; null after the last. The last, "portable", always exists.
const char *ck_instructions(int32_t index);

/// The number of processors on which the system may run the calling thread; 0 if it is not known.
int32_t ck_processors(void);

/// Starts threads; the calling thread of a run also takes part.
///
/// @param instructions one of `ck_instructions`, or null for the first of them.
/// @return null if the instruction set is not supported or threads cannot be started.
ck_team *ck_team_create(int32_t threads, const char *instructions);
void ck_team_destroy(ck_team *team);

int32_t ck_team_threads(const ck_team *team);
const char *ck_team_instructions(const ck_team *team);

/// One thread of a team at work; the calling thread has index 0.
typedef struct ck_member {
    ck_team *team;
    int32_t index;
} ck_member;

/// Work that is divided into tasks (pieces). Any member may execute any task, in any order, so that results must not depend on which member does; a
/// member's working memory is chosen by its index. All tasks are complete before the next phase begins, whose members see the results.
typedef struct ck_phase {
    void (*work)(ck_member *member, const void *context, ptrdiff_t piece);
    const void *context;
    ptrdiff_t pieces;
} ck_phase;

/// Runs phases one after the other and returns when the last task is complete.
///
/// It waits for tasks, not for threads: a thread that the system has interrupted delays the run only while it has a task. The phases and their
/// contexts are not read after the run.
void ck_team_run(ck_team *team, const ck_phase *phases, ptrdiff_t count);

#endif
