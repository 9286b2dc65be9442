// The speech recogniser Moonshine, whose library is loaded when it is asked for.
#ifndef CMOONSHINE_H
#define CMOONSHINE_H

#include <stdint.h>

/// A recogniser: the library and a model.
typedef struct cm_recogniser *cm_recogniser;

/// Loads the library, which stays loaded from then on, and a model.
///
/// - Parameters:
///   - library: the path of libmoonshine.so; what it needs is found by its own run path.
///   - model: the folder with the model of the architecture "tiny".
///   - error: becomes what went wrong, to be freed with cm_free_text.
/// - Returns: null where it went wrong.
cm_recogniser cm_load(const char *library, const char *model, char **error);

/// What is said in a sound, its lines with a space between them, to be freed with cm_free_text; null where it went wrong. A recogniser
/// takes one call at a time.
char *cm_hear(cm_recogniser recogniser, const float *samples, uint64_t count, int32_t sample_rate, char **error);

void cm_free(cm_recogniser recogniser);
void cm_free_text(char *text);

#endif
