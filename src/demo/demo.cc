#include "demo/demo.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "base/errors.h"
#include "base/files.h"
#include "demo/report.h"
#include "demo/server_process.h"
#include "demo/steps.h"
#include "embedded/kFlightsToml.h"

namespace sw::demo {
namespace {

constexpr int kFaultFirstHour = 3 * 24;   // of August: the month's own rollout may still run
constexpr int kFaultLastHour = 28 * 24;

constexpr int kMegabytesMax = 2048;

double OwnPeakMegabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// The tables, and the configuration, in the demo's own folder: the server reads nothing else.
Status PrepareFolder(const std::string& folder, const std::string& tables) {
  SW_TRY(base::MakeFolders(folder + "/tables"));
  for (const char* name : {"flights.csv", "weather.csv", "planes.csv", "airports.csv"}) {
    const std::string bytes = SW_TRY(base::ReadFile(base::JoinPath(tables, name)));
    SW_TRY(base::WriteFileAtomic(base::JoinPath(folder + "/tables", name), bytes));
  }
  return base::WriteFileAtomic(folder + "/seaworthy.toml", kFlightsToml);
}

Status Play(Stage& stage) {
  const std::pair<const char*, Status (*)(Stage&)> steps[] = {
      {"reading the tables", ReadTables},
      {"applying the definitions, loading what was known by June", ApplyDefinitions},
      {"joining and training, honestly and with the leak", BuildTrainingSet},
      {"training the baselines", TrainModels},
      {"evaluating on May", EvaluateOnMay},
      {"going live", GoLive},
      {"playing June", ServeJune},
      {"playing July", ServeJulyUntilMiddle},
      {"training on a leaked column", RefuseTheLeak},
      {"training outside, on an edited label", RollBackTheOutsider},
      {"playing August", ServeAugustWithFault},
      {"scoring the same requests by the first model", SumUp}};
  for (const auto& [doing, step] : steps) {
    stage.story.Show(fmt::format("{} ...", doing));
    SW_TRY(step(stage));
  }
  return Ok();
}

Result<bool> Run(const DemoOptions& options) {
  const std::int64_t start_ns = base::MonotonicNs();
  const std::string folder = options.folder.empty() ? SW_TRY(base::MakeTempFolder("seaworthy-demo-")) : options.folder;
  const std::uint64_t seed = options.seed ? *options.seed : base::Random::FromSystem().Below(1'000'000);
  fmt::print("seaworthy demo: the flights of 2013, seed {}, in {}\n", seed, folder);
  SW_TRY(PrepareFolder(folder, options.tables));
  ServerProcess server = SW_TRY(ServerProcess::Start(
      {"serve", "--data", folder + "/data", "--listen", "127.0.0.1:0", "--clock=manual", "--tables", folder + "/tables"}, folder + "/server.log"));
  Api api = SW_TRY(Api::Connect(server.address()));
  World world = SW_TRY(World::Read(folder + "/seaworthy.toml", folder + "/tables"));
  Story story;
  world.OnProgress([&story](TimeUs now) { story.Show(fmt::format("playing {} ...", base::FormatTime(now).substr(0, 13))); });
  Stage stage{.api = api, .world = world, .story = story, .random = base::Random(seed), .seed = seed,
              .toml_path = folder + "/seaworthy.toml", .tables_folder = folder + "/tables", .fault_from = 0, .clock = 0};
  stage.fault_from = Midnight(8, 1) + static_cast<TimeUs>(kFaultFirstHour + stage.random.Below(kFaultLastHour - kFaultFirstHour)) * base::kHourUs;
  const Status played = Play(stage);
  if (!played) story.Check(false, played.error().ToString());
  const double seconds = static_cast<double>(base::MonotonicNs() - start_ns) * 1e-9;
  const double megabytes = static_cast<double>(server.PeakRssBytes()) / (1 << 20);
  const double own_megabytes = OwnPeakMegabytes();
  story.Check(megabytes + own_megabytes < kMegabytesMax, fmt::format("server and demo together stay below {} MB", kMegabytesMax));
  story.Keep("run", Json::MakeObject({{"seed", static_cast<std::int64_t>(seed)}, {"seconds", seconds}, {"server_peak_rss_mb", megabytes},
                                      {"demo_peak_rss_mb", own_megabytes}}));
  const std::string report = folder + "/report.html";
  SW_TRY(WriteReport(story, report));
  story.Say(11, "report", report);
  fmt::print("\n{} of {} statements held; {:.0f} s; memory peaked at {:.0f} MB in the server, {:.0f} MB in the demo\n",
             std::count_if(story.statements().begin(), story.statements().end(), [](const Statement& s) { return s.held; }),
             story.statements().size(), seconds, megabytes, own_megabytes);
  if (options.stay) {
    fmt::print("the server stays at {} (process {})\n", server.address(), server.pid());
    server.Release();
  }
  return story.AllHeld();
}

}  // namespace

int RunDemo(const DemoOptions& options) {
  const auto held = Run(options);
  if (!held) fmt::print(stderr, "seaworthy demo: {}\n", held.error().ToString());
  return held && *held ? 0 : 1;
}

}  // namespace sw::demo
