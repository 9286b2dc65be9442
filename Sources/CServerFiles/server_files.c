// The files that the server serves, embedded unchanged.
#include "server_files.h"

// Standard C since C23; clang supports it in earlier modes.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi_json[] = {
#embed "../ChatterboxServer/Resources/openapi.json"
};
static const unsigned char app_js[] = {
#embed "../ChatterboxServer/Resources/page/app.js"
};
static const unsigned char calls_js[] = {
#embed "../ChatterboxServer/Resources/page/calls.js"
};
static const unsigned char dom_js[] = {
#embed "../ChatterboxServer/Resources/page/dom.js"
};
static const unsigned char events_js[] = {
#embed "../ChatterboxServer/Resources/page/events.js"
};
static const unsigned char history_js[] = {
#embed "../ChatterboxServer/Resources/page/history.js"
};
static const unsigned char icon_svg[] = {
#embed "../ChatterboxServer/Resources/page/icon.svg"
};
static const unsigned char index_html[] = {
#embed "../ChatterboxServer/Resources/page/index.html"
};
static const unsigned char layout_css[] = {
#embed "../ChatterboxServer/Resources/page/layout.css"
};
static const unsigned char player_js[] = {
#embed "../ChatterboxServer/Resources/page/player.js"
};
static const unsigned char reader_js[] = {
#embed "../ChatterboxServer/Resources/page/reader.js"
};
static const unsigned char recorder_worklet_js[] = {
#embed "../ChatterboxServer/Resources/page/recorder-worklet.js"
};
static const unsigned char recorder_js[] = {
#embed "../ChatterboxServer/Resources/page/recorder.js"
};
static const unsigned char server_js[] = {
#embed "../ChatterboxServer/Resources/page/server.js"
};
static const unsigned char settings_js[] = {
#embed "../ChatterboxServer/Resources/page/settings.js"
};
static const unsigned char sound_js[] = {
#embed "../ChatterboxServer/Resources/page/sound.js"
};
static const unsigned char spectrum_js[] = {
#embed "../ChatterboxServer/Resources/page/spectrum.js"
};
static const unsigned char status_js[] = {
#embed "../ChatterboxServer/Resources/page/status.js"
};
static const unsigned char take_js[] = {
#embed "../ChatterboxServer/Resources/page/take.js"
};
static const unsigned char theme_css[] = {
#embed "../ChatterboxServer/Resources/page/theme.css"
};
static const unsigned char timeline_js[] = {
#embed "../ChatterboxServer/Resources/page/timeline.js"
};
static const unsigned char voices_js[] = {
#embed "../ChatterboxServer/Resources/page/voices.js"
};
static const unsigned char words_js[] = {
#embed "../ChatterboxServer/Resources/page/words.js"
};

#define FILE(name, bytes) {name, bytes, sizeof bytes}
static const struct ct_server_file files[] = {
    FILE("openapi.json", openapi_json),
    FILE("page/app.js", app_js),
    FILE("page/calls.js", calls_js),
    FILE("page/dom.js", dom_js),
    FILE("page/events.js", events_js),
    FILE("page/history.js", history_js),
    FILE("page/icon.svg", icon_svg),
    FILE("page/index.html", index_html),
    FILE("page/layout.css", layout_css),
    FILE("page/player.js", player_js),
    FILE("page/reader.js", reader_js),
    FILE("page/recorder-worklet.js", recorder_worklet_js),
    FILE("page/recorder.js", recorder_js),
    FILE("page/server.js", server_js),
    FILE("page/settings.js", settings_js),
    FILE("page/sound.js", sound_js),
    FILE("page/spectrum.js", spectrum_js),
    FILE("page/status.js", status_js),
    FILE("page/take.js", take_js),
    FILE("page/theme.css", theme_css),
    FILE("page/timeline.js", timeline_js),
    FILE("page/voices.js", voices_js),
    FILE("page/words.js", words_js),
};

const struct ct_server_file *ct_server_file(size_t index) { return index < sizeof files / sizeof *files ? &files[index] : NULL; }
