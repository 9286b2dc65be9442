#ifndef CT_SERVER_FILES_H
#define CT_SERVER_FILES_H

#include <stddef.h>

// A file that is part of the program. As bytes in C it takes no time to compile; a Swift array of this size takes a quarter of a minute.
struct ct_server_file {
    // The path below Sources/ChatterboxServer/Resources.
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

// The files in some order; NULL after the last.
const struct ct_server_file *ct_server_file(size_t index);

#endif
