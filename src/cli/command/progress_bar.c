#include "cli/command/progress_bar.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DRAW_INTERVAL_US = 100 * 1000, BAR_WIDTH = 20 };

struct ProgressBar {
  gboolean is_terminal;
  gint64 start_us, last_draw_us;
  double first_percent; /* start of the time estimate; negative until known */
  gint64 first_percent_us;
};

ProgressBar *
progress_bar_new(void)
{
  ProgressBar *bar = g_new0(ProgressBar, 1);
  const char *terminal = g_getenv("TERM");
  bar->is_terminal = isatty(STDERR_FILENO) && g_strcmp0(terminal, "dumb") != 0;
  bar->start_us = g_get_monotonic_time();
  bar->first_percent = -1;
  return bar;
}

static guint
terminal_width(void)
{
  struct winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* "  2:05 left", from the pace since the percentage was first known; "" while the pace is unknown. */
static char *
time_left(ProgressBar *bar, double percent)
{
  gint64 now = g_get_monotonic_time();
  if (bar->first_percent < 0) {
    bar->first_percent = percent;
    bar->first_percent_us = now;
  }
  double gained = percent - bar->first_percent;
  double elapsed_s = (double)(now - bar->first_percent_us) / G_USEC_PER_SEC;
  if (gained < 1 || elapsed_s < 1)
    return g_strdup("");
  guint left_s = (guint)MIN(elapsed_s * (100 - percent) / gained, 359999.0);
  return left_s >= 3600 ? g_strdup_printf("  %u:%02u:%02u left", left_s / 3600, left_s / 60 % 60, left_s % 60)
                        : g_strdup_printf("  %u:%02u left", left_s / 60, left_s % 60);
}

static char *
draw_bar(double percent)
{
  char cells[BAR_WIDTH + 1];
  int filled = (int)lround(percent / 100 * BAR_WIDTH);
  for (int i = 0; i < BAR_WIDTH; i++)
    cells[i] = i < filled ? '#' : '.';
  cells[BAR_WIDTH] = '\0';
  return g_strdup_printf("[%s] %3.0f%%  ", cells, floor(percent));
}

static char *
compose_line(ProgressBar *bar, const ProgressState *state)
{
  g_autoptr(GString) line = g_string_new(NULL);
  if (state->percent >= 0) {
    g_autofree char *drawn = draw_bar(CLAMP(state->percent, 0, 100));
    g_string_append(line, drawn);
  }
  if (state->rows > 0)
    g_string_append_printf(line, "%" G_GUINT64_FORMAT " rows  ", state->rows);
  double elapsed_s = (double)(g_get_monotonic_time() - bar->start_us) / G_USEC_PER_SEC;
  if (state->bytes > 0) {
    g_autofree char *size = g_format_size(state->bytes);
    g_autofree char *speed = g_format_size((guint64)((double)state->bytes / MAX(elapsed_s, 0.1)));
    g_string_append_printf(line, "%s  %s/s", size, speed);
  }
  if (state->percent >= 0) {
    g_autofree char *left = time_left(bar, state->percent);
    g_string_append(line, left);
  }
  if (state->label != NULL)
    g_string_append_printf(line, "  %s", state->label);
  return g_string_free(g_steal_pointer(&line), FALSE);
}

void
progress_bar_update(ProgressBar *bar, const ProgressState *state)
{
  gint64 now = g_get_monotonic_time();
  if (!bar->is_terminal || now - bar->last_draw_us < DRAW_INTERVAL_US)
    return;
  bar->last_draw_us = now;
  g_autofree char *line = compose_line(bar, state);
  g_autofree char *valid = text_visible(line);
  g_autofree char *cut = g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), (glong)terminal_width() - 1));
  fprintf(stderr, "\r\033[K%s", cut);
  fflush(stderr);
}

static void
clear_line(ProgressBar *bar)
{
  if (bar->is_terminal)
    fputs("\r\033[K", stderr);
}

void
progress_bar_message(ProgressBar *bar, const char *message)
{
  clear_line(bar);
  g_autofree char *visible = text_visible(message);
  fprintf(stderr, "%s\n", visible);
  fflush(stderr);
}

void
progress_bar_free(ProgressBar *bar)
{
  if (bar == NULL)
    return;
  clear_line(bar);
  fflush(stderr);
  g_free(bar);
}
