/* Preloaded into a process: $LOOPBACK_DEVICE is a device of v4l2loopback, whose pictures go into
   $LOOPBACK_FILE. For programs that speak V4L2, where there is no kernel module. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int device = -1;

static int opened(const char *name, const char *path, int flags, mode_t mode) {
  int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, name);
  const char *ours = getenv("LOOPBACK_DEVICE");
  if (ours == NULL || strcmp(path, ours) != 0) return real(path, flags, mode);
  if (getenv("LOOPBACK_BUSY") != NULL) {
    errno = EBUSY;
    return -1;
  }
  device = real(getenv("LOOPBACK_FILE"), O_RDWR | O_CREAT | O_TRUNC, 0600);
  return device;
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return opened("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return opened("open64", path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void *told = va_arg(rest, void *);
  va_end(rest);
  if (fd != device || fd < 0) {
    int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    return real(fd, request, told);
  }
  if ((unsigned int)request == (unsigned int)VIDIOC_QUERYCAP) {
    struct v4l2_capability *can = told;
    memset(can, 0, sizeof *can);
    strcpy((char *)can->driver, "v4l2 loopback");
    strcpy((char *)can->card, "visavis camera");
    can->capabilities = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_READWRITE | V4L2_CAP_DEVICE_CAPS;
    can->device_caps = V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_READWRITE;
  }
  return 0; /* every format suits it */
}
