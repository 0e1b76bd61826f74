/* line.h: line editing on a terminal, by libedit, with history and completion. */
#ifndef NN_HOST_LINE_H
#define NN_HOST_LINE_H

#include <lua.h>
#include <stdbool.h>

/* Starts editing if standard input and output are a terminal that can do it and libedit is there.
 * False: lines have to be read as they are. Lua's field "complete" of the table in the registry
 * under "nn.prompt" answers Tab. */
bool host_line_open(lua_State *L);

/* The next line, with its end; NULL at the end of the input, or when Ctrl-C dropped it. The text is
 * the editor's, until the next call. */
const char *host_line_read(const char *prompt, int *length);

/* Puts a line into the history, in memory and in its file, unless it begins with a space. */
void host_line_remember(const char *line);

/* Restores the terminal. */
void host_line_close(void);

#endif
