// Threads that work on one thing at a time, and the instruction set that they use.
#ifndef CK_TEAM_H
#define CK_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Threads that wait together for work, first spinning, then asleep. Calls from several threads take turns.
typedef struct ck_team ck_team;

/// Instruction sets this build knows and this processor has, the fastest first; null beyond the last. The last,
/// "portable", is always there.
const char *ck_instructions(int32_t index);

/// Starts threads; the caller of a product is one of them.
///
/// @param instructions one of `ck_instructions`, or null for the first of them.
/// @return null where the instruction set is unknown here or threads cannot be started.
ck_team *ck_team_create(int32_t threads, const char *instructions);
void ck_team_destroy(ck_team *team);

int32_t ck_team_threads(const ck_team *team);
const char *ck_team_instructions(const ck_team *team);

#endif
