// The speech recogniser Moonshine, whose library is loaded when it is needed.
#ifndef CMOONSHINE_H
#define CMOONSHINE_H

#include <stdint.h>

/// A recogniser: the library and a model.
typedef struct cm_recogniser *cm_recogniser;

/// Loads the library, which then remains loaded, and a model.
///
/// - Parameters:
///   - library: the path of libmoonshine.so; its own run path finds further libraries.
///   - model: the folder with the model of the architecture "tiny".
///   - error: set to the error's message, to be freed with cm_free_text.
/// - Returns: null on failure.
cm_recogniser cm_load(const char *library, const char *model, char **error);

/// The transcript of a sound, its lines joined by spaces, to be freed with cm_free_text; null on failure. A recogniser supports one call at a time.
char *cm_hear(cm_recogniser recogniser, const float *samples, uint64_t count, int32_t sample_rate, char **error);

void cm_free(cm_recogniser recogniser);
void cm_free_text(char *text);

#endif
