#include "backup/plan/plan.h"

/* The hub's releases, by the tags of its repository and drizzle/meta/_journal.json of each: how many migrations they
 * have, and the last one's name. */
static const HubRelease releases[] = {
    {38, "v0.3.31", "0037_cursor_pagination_index"},
    {39, "v0.3.32–v0.3.35", "0038_aberrant_bucky"},
    {40, "v0.3.36", "0039_abnormal_marvel_apes"},
    {41, "v0.3.37–v0.3.38", "0040_bored_venus"},
    {42, "v0.3.39", "0041_sticky_jackal"},
    {43, "v0.3.40", "0042_legal_harrier"},
    {44, "v0.3.41", "0043_faithful_mother_askani"},
    {50, "v0.3.42", "0049_shocking_ultimatum"},
    {53, "v0.4.1", "0052_model_price_source"},
    {55, "v0.4.2", "0054_tidy_winter_soldier"},
    {56, "v0.4.3", "0055_neat_stepford_cuckoos"},
    {57, "v0.5.1", "0056_tidy_quasar"},
    {60, "v0.5.2", "0059_safe_xorn"},
    {62, "v0.5.3", "0061_exotic_trauma"},
    {63, "v0.5.4", "0062_aromatic_taskmaster"},
    {67, "v0.5.5–v0.5.6", "0066_hot_mauler"},
    {68, "v0.5.7–v0.5.8", "0067_gorgeous_mulholland_black"},
    {78, "v0.5.9–v0.6.1", "0077_nappy_giant_man"},
    {79, "v0.6.2", "0078_remarkable_lionheart"},
    {81, "v0.6.3", "0080_fresh_clint_barton"},
    {83, "v0.6.4", "0082_hot_vision"},
    {85, "v0.6.5", "0084_needy_jackpot"},
    {86, "v0.6.6", "0085_busy_ken_ellis"},
    {88, "v0.6.7–v0.6.8", "0087_nappy_lady_mastermind"},
    {99, "v0.7.1–v0.7.4", "0098_equal_selene"},
    {104, "v0.8.1–v0.8.4", "0103_small_master_mold"},
    {105, "v0.8.5", "0104_watery_thunderbird"},
    {106, "v0.8.6–v0.8.8", "0105_chief_rocket_racer"},
    {108, "v0.8.9", "0107_handy_sunset_bain"},
    {109, "v0.8.10", "0108_rich_onslaught"},
    {119, "v0.9.0–v0.9.2", "0118_bright_sunspot"},
};

const HubRelease *
plan_hub_release(gint64 n_migrations)
{
  for (gsize i = 0; i < G_N_ELEMENTS(releases); i++)
    if (releases[i].n_migrations == n_migrations)
      return &releases[i];
  return NULL;
}
