/* The version of pwsync, of which this is a part (pyproject.toml; a test compares them). */
#ifndef PWSYNC_VERSION_H
#define PWSYNC_VERSION_H

#define PWSYNC_VERSION "0.1.0"

#endif
