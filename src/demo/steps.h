// The demo's steps. Each acts through the Api, says what it found, and checks its statements.
// Internal to the demo.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "demo/api.h"
#include "demo/story.h"
#include "demo/world.h"

namespace sw::demo {

struct Stage {
  Api& api;
  World& world;
  Story& story;
  base::Random random;
  std::uint64_t seed = 0;
  std::string toml_path;      // of the configuration
  std::string tables_folder;  // where the server reads tables, and tables from outside are put
  TimeUs fault_from = 0;
  TimeUs clock = 0;           // up to where the year was played
};

// Midnight of a month's day in New York, as TimeUs.
TimeUs Midnight(int month, int day);

Status ReadTables(Stage& stage);                 // 1
Status ApplyDefinitions(Stage& stage);           // 2
Status BuildTrainingSet(Stage& stage);           // 3
Status TrainModels(Stage& stage);                // 4
Status EvaluateOnMay(Stage& stage);              // 5
Status GoLive(Stage& stage);                     // 6
Status ServeJune(Stage& stage);                  // 7
Status ServeJulyUntilMiddle(Stage& stage);       // 8, up to the day the broken candidates come
Status RefuseTheLeak(Stage& stage);              // 9, the leaked candidate
Status RollBackTheOutsider(Stage& stage);        // 9, the one trained outside
Status ServeAugustWithFault(Stage& stage);       // 8 and 10
Status SumUp(Stage& stage);                      // 8: what the first model would have done

}  // namespace sw::demo
