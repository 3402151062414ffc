#include "base/os/processors.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#define CGROUPS "/sys/fs/cgroup"

guint
processors_of_quota(const char *cpu_max)
{
  guint64 quota_us = 0, period_us = 0;
  if (sscanf(cpu_max, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &quota_us, &period_us) != 2 || quota_us == 0 ||
      period_us == 0)
    return G_MAXUINT;
  return (guint)MIN((quota_us - 1) / period_us + 1, G_MAXUINT);
}

/* Of the process's group and those around it: each limits those within. The line of version 2 is "0::/path". */
static guint
processors_of_groups(void)
{
  g_autofree char *groups = NULL;
  guint n = G_MAXUINT;
  if (!g_file_get_contents("/proc/self/cgroup", &groups, NULL, NULL))
    return n;
  g_auto(GStrv) lines = g_strsplit(groups, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    if (!g_str_has_prefix(*line, "0::/"))
      continue;
    char *path = *line + strlen("0::");
    for (;;) {
      g_autofree char *file = g_strconcat(CGROUPS, path, "/cpu.max", NULL), *cpu_max = NULL;
      if (g_file_get_contents(file, &cpu_max, NULL, NULL))
        n = MIN(n, processors_of_quota(cpu_max));
      char *slash = strrchr(path, '/');
      if (slash == NULL)
        break;
      *slash = '\0';
    }
  }
  return n;
}

guint
processors_usable(void)
{
  cpu_set_t set;
  /* Fails on a machine with more processors than the set can hold. */
  guint n = sched_getaffinity(0, sizeof set, &set) == 0 ? (guint)CPU_COUNT(&set) : g_get_num_processors();
  return MAX(MIN(n, processors_of_groups()), 1);
}
