#ifndef CT_SERVER_FILES_H
#define CT_SERVER_FILES_H

#include <stddef.h>

// A file in the program. As bytes of C it costs no time to compile; an array of Swift as large takes a quarter of a minute.
struct ct_server_file {
    // Under Sources/ChatterboxServer/Resources.
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

// The files in some order; NULL behind the last.
const struct ct_server_file *ct_server_file(size_t index);

#endif
