// The feature store on the flights of January to May 2013, with the seven views of the example:
// a push of 1,000 rows, an online read of one request, the point-in-time join of 20,000 moments.
#include <benchmark/benchmark.h>

#include "base/errors.h"
#include "feature/feature_store_fixture.h"
#include "feature/flights_for_tests.h"
#include "feature/source.h"

namespace sw::feature {
namespace {

const TimeUs kUntil = base::ParseTime("2013-06-01T00:00:00Z").value();

// Loaded once for all: it takes seconds.
struct Flights {
  StoreStory story{FlightsDefinitions(), {.tables_folder = FlightsTables()}};
  data::Batch rows;  // derived, January to May
  std::vector<TimeUs> departs;

  Flights() {
    for (const char* source : {"planes", "weather", "flights"}) story.store().Load(source, FlightsTables(), kUntil).value();
    rows = story.store().Rows("flights", {}).value();
    const data::Column& moments = *rows.Find("departs");
    for (std::size_t row = 0; row < rows.num_rows(); ++row) departs.push_back(moments.Int(row));
  }
};

Flights& Loaded() {
  static Flights flights;
  return flights;
}

void Push1000Rows(benchmark::State& state) {
  StoreStory story(FlightsDefinitions(), {.tables_folder = FlightsTables()});
  const data::Batch raw = ReadSourceTable(story.definitions()->sources.at("flights"), FlightsTables()).value();
  std::size_t at = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const data::Batch rows = raw.Slice(at, 1000);
    at += 1000;
    state.ResumeTiming();
    story.store().Push("flights", rows, {.durability = store::Durability::kBuffered}).value();
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(Push1000Rows)->Iterations(300)->Unit(benchmark::kMillisecond);

void ReadOnlineOneRequest(benchmark::State& state) {
  Flights& flights = Loaded();
  std::vector<data::Batch> requests;
  for (std::size_t row = flights.rows.num_rows() - 1000; row < flights.rows.num_rows(); ++row) {
    requests.push_back(flights.rows.Select({"departs", "origin", "carrier", "dest", "tailnum", "distance"})->Slice(row, 1));
  }
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(flights.story.Online("late_v1", requests[at++ % requests.size()], kUntil));
  }
}
BENCHMARK(ReadOnlineOneRequest)->Unit(benchmark::kMicrosecond);

void Join20000Moments(benchmark::State& state) {
  constexpr std::size_t kMoments = 20'000;
  Flights& flights = Loaded();
  const std::size_t first = flights.rows.num_rows() - kMoments;
  const data::Batch rows = flights.rows.Slice(first, kMoments);
  const std::vector<TimeUs> moments(flights.departs.end() - kMoments, flights.departs.end());
  flights.story.store().Join("late_v1", rows.Slice(0, 1), {moments[0]}, {}).value();  // reads the histories
  for (auto _ : state) {
    benchmark::DoNotOptimize(flights.story.store().Join("late_v1", rows, moments, {}).value());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kMoments));
}
BENCHMARK(Join20000Moments)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace sw::feature
