// Threads that work on one thing at a time, and the instruction set that they use.
#ifndef CK_TEAM_H
#define CK_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Threads that wait together for work, first spinning, then asleep. Runs from several threads take turns.
typedef struct ck_team ck_team;

/// Instruction sets this build knows and this processor has, the fastest first; null beyond the last. The last,
/// "portable", is always there.
const char *ck_instructions(int32_t index);

/// Processors that the system may run the calling thread on; 0 where it does not tell.
int32_t ck_processors(void);

/// Starts threads; the caller of a run is one of them.
///
/// @param instructions one of `ck_instructions`, or null for the first of them.
/// @return null where the instruction set is unknown here or threads cannot be started.
ck_team *ck_team_create(int32_t threads, const char *instructions);
void ck_team_destroy(ck_team *team);

int32_t ck_team_threads(const ck_team *team);
const char *ck_team_instructions(const ck_team *team);

/// One thread of a team at work; the caller has index 0.
typedef struct ck_member {
    ck_team *team;
    int32_t index;
} ck_member;

/// Work in pieces. Any member may do any piece, in any order, so that nothing may depend on who does it; what a member
/// needs to work in is chosen by its index. All pieces are done before the next phase begins, whose members see what they
/// wrote.
typedef struct ck_phase {
    void (*work)(ck_member *member, const void *context, ptrdiff_t piece);
    const void *context;
    ptrdiff_t pieces;
} ck_phase;

/// Runs phases one after the other and returns when the last piece is done.
///
/// It waits for pieces, not for threads: a thread that the system does not run holds up the run only while it has a piece,
/// and the phases and their contexts are not looked at after the run.
void ck_team_run(ck_team *team, const ck_phase *phases, ptrdiff_t count);

#endif
