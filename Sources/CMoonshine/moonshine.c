#define _GNU_SOURCE
#include "CMoonshine.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The library's functions, as its Python package declares them (moonshine-voice 0.0.48).

// The version of these declarations.
enum { INTERFACE_VERSION = 20000, ARCHITECTURE_TINY = 0 };

struct line {
    const char *text;
    const float *samples;
    size_t sample_count;
    float start, duration;
    uint64_t id;
    int8_t is_complete, is_updated, is_new, has_text_changed, has_speaker;
    uint64_t speaker;
    uint32_t speaker_index, latency_ms;
};

struct transcript {
    const struct line *lines;
    uint64_t line_count;
};

struct functions {
    int32_t (*version)(void);
    const char *(*error_to_string)(int32_t);
    int32_t (*load)(const char *folder, uint32_t architecture, const void *options, uint64_t option_count, int32_t version);
    void (*free)(int32_t transcriber);
    int32_t (*transcribe)(int32_t transcriber, const float *samples, uint64_t count, int32_t rate, uint32_t flags, struct transcript **out);
};

struct cm_recogniser {
    struct functions functions;
    int32_t transcriber;
};

static char *message(const char *what, const char *why) {
    char *text = NULL;
    return asprintf(&text, "%s: %s", what, why ? why : "no reason is given") < 0 ? NULL : text;
}

/// Looks a function up.
static int find(void *library, const char *name, void *function, const char *path, char **error) {
    void *found = dlsym(library, name);
    if (!found) {
        *error = message(path, dlerror());
        return 0;
    }
    memcpy(function, &found, sizeof found);
    return 1;
}

cm_recogniser cm_load(const char *path, const char *model, char **error) {
    // The library starts threads and keeps state until the process ends.
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        *error = message(path, dlerror());
        return NULL;
    }
    struct functions found;
    if (!find(library, "moonshine_get_version", &found.version, path, error) ||
        !find(library, "moonshine_error_to_string", &found.error_to_string, path, error) ||
        !find(library, "moonshine_load_transcriber_from_files", &found.load, path, error) ||
        !find(library, "moonshine_free_transcriber", &found.free, path, error) ||
        !find(library, "moonshine_transcribe_without_streaming", &found.transcribe, path, error))
        return NULL;
    if (found.version() != INTERFACE_VERSION) {
        *error = message(path, "its version is not 0.0.48");
        return NULL;
    }
    const int32_t transcriber = found.load(model, ARCHITECTURE_TINY, NULL, 0, INTERFACE_VERSION);
    if (transcriber < 0) {
        *error = message(model, found.error_to_string(transcriber));
        return NULL;
    }
    cm_recogniser recogniser = malloc(sizeof *recogniser);
    if (!recogniser) {
        found.free(transcriber);
        *error = message(model, "out of memory");
        return NULL;
    }
    *recogniser = (struct cm_recogniser){found, transcriber};
    return recogniser;
}

char *cm_hear(cm_recogniser recogniser, const float *samples, uint64_t count, int32_t sample_rate, char **error) {
    struct transcript *transcript = NULL;
    const int32_t status = recogniser->functions.transcribe(recogniser->transcriber, samples, count, sample_rate, 0, &transcript);
    if (status < 0) {
        *error = message("it cannot transcribe the sound", recogniser->functions.error_to_string(status));
        return NULL;
    }
    const uint64_t lines = transcript ? transcript->line_count : 0;
    size_t size = 1;
    for (uint64_t i = 0; i < lines; i++) size += transcript->lines[i].text ? strlen(transcript->lines[i].text) + 1 : 0;
    char *text = malloc(size), *end = text;
    if (!text) {
        *error = message("it cannot transcribe the sound", "out of memory");
        return NULL;
    }
    for (uint64_t i = 0; i < lines; i++) {
        const char *line = transcript->lines[i].text;
        if (!line) continue;
        if (end != text) *end++ = ' ';
        end = stpcpy(end, line);
    }
    *end = 0;
    return text;
}

void cm_free(cm_recogniser recogniser) {
    recogniser->functions.free(recogniser->transcriber);
    free(recogniser);
}

void cm_free_text(char *text) { free(text); }
