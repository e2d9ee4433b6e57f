/* A disk that is slow or broken, for one process and its children: fsync and fdatasync wait, or fail.
   The file that GATEWAY_TEST_DISK names says how, as "ERRNO MICROSECONDS"; without it all is well. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int synced(const char *name, int descriptor)
{
    int error = 0;
    long delay = 0;
    const char *path = getenv("GATEWAY_TEST_DISK");
    FILE *control = path ? fopen(path, "r") : NULL;
    if (control) {
        if (fscanf(control, "%d %ld", &error, &delay) < 1)
            error = 0;
        fclose(control);
    }
    if (delay > 0)
        usleep(delay);
    if (error) {
        errno = error;
        return -1;
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(descriptor);
}

int fsync(int descriptor) { return synced("fsync", descriptor); }
int fdatasync(int descriptor) { return synced("fdatasync", descriptor); }
