/* A disk that loses what was not synced, and one that lies down, under SQLite: see faultvfs.c. */
#ifndef JIG_SPEC_FAULTVFS_H
#define JIG_SPEC_FAULTVFS_H

#include <lua.h>

/* Pushes the table of its functions. */
void faultvfs_open(lua_State *L);

#endif
