#include "demo/world.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "app/toml.h"
#include "base/errors.h"
#include "feature/definitions.h"
#include "feature/source.h"

namespace sw::demo {
namespace {

constexpr double kLateMinutes = 15;
constexpr const char* kBatchType = "application/vnd.seaworthy.batch";

Result<data::Batch> Derive(const feature::Definitions& defined, const char* source, const std::string& folder, data::Batch& raw) {
  const feature::SourceDef& found = *SW_TRY(defined.Source(source));
  raw = SW_TRY(feature::ReadSourceTable(found, folder));
  return feature::DeriveRows(found, raw, SW_TRY(feature::LoadLookups(found, folder)));
}

}  // namespace

double Traffic::QuantileMs(double q) const {
  if (latency_ns.empty()) return 0;
  std::vector<std::int64_t> sorted = latency_ns;
  const auto at = static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1));
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(at), sorted.end());
  return static_cast<double>(sorted[at]) * 1e-6;
}

Result<World> World::Read(const std::string& toml_path, const std::string& tables_folder) {
  const app::TomlFile file = SW_TRY(app::ReadTomlFile(toml_path));
  Json sources = Json::MakeObject({{"source", *SW_TRY(file.root.GetObject("source"))}});
  const feature::Definitions defined = SW_TRY(feature::ParseDefinitions(sources));
  World world;
  const data::Batch flights = SW_TRY(Derive(defined, "flights", tables_folder, world.flight_rows_));
  const data::Column& departs = *SW_TRY(flights.Get("departs"));
  const data::Column& landed = *SW_TRY(flights.Get("landed"));
  const data::Column& id = *SW_TRY(flights.Get("id"));
  const data::Column& delay = *SW_TRY(flights.Get("arr_delay"));
  for (std::size_t row = 0; row < flights.num_rows(); ++row) {
    world.flights_.push_back({.row = row, .departs = departs.Int(row), .landed = landed.IsNull(row) ? 0 : landed.Int(row),
                              .id = std::string(id.String(row)),
                              .is_late = !delay.IsNull(row) && delay.AsDouble(row) > kLateMinutes});
  }
  std::stable_sort(world.flights_.begin(), world.flights_.end(), [](const Flight& a, const Flight& b) { return a.departs < b.departs; });
  for (std::size_t i = 0; i < world.flights_.size(); ++i) {
    if (world.flights_[i].landed != 0) world.by_landing_.push_back(i);
  }
  std::stable_sort(world.by_landing_.begin(), world.by_landing_.end(),
                   [&](std::size_t a, std::size_t b) { return world.flights_[a].landed < world.flights_[b].landed; });
  const data::Batch weather = SW_TRY(Derive(defined, "weather", tables_folder, world.weather_rows_));
  const data::Column& hour = *SW_TRY(weather.Get("time_hour"));
  const DurationUs delay_of_weather = SW_TRY(defined.Source("weather"))->delay;
  for (std::size_t row = 0; row < weather.num_rows(); ++row) world.weather_.push_back({row, hour.Int(row) + delay_of_weather});
  std::stable_sort(world.weather_.begin(), world.weather_.end(), [](const Weather& a, const Weather& b) { return a.published < b.published; });
  world.asked_.assign(world.flights_.size(), false);
  return world;
}

net::ClientRequest World::PushRequest(const std::string& source, const data::Batch& rows) const {
  return {.method = net::Method::kPost,
          .target = fmt::format("/seaworthy/v1/sources/{}/rows?producer=demo-{}&sequence={}&durability=buffered", source, source, sequence_),
          .body = data::EncodeBatch(rows), .headers = net::Headers({{"content-type", kBatchType}})};
}

Status World::PushUntil(Api& api, TimeUs t, const std::optional<Fault>& fault, Traffic& traffic) {
  std::vector<std::size_t> landed_rows;
  for (; next_landing_ < by_landing_.size() && flights_[by_landing_[next_landing_]].landed <= t; ++next_landing_) {
    const Flight& flight = flights_[by_landing_[next_landing_]];
    landed_rows.push_back(flight.row);
    if (!asked_[by_landing_[next_landing_]]) continue;
    labels_.Append(Json::MakeObject({{"id", flight.id}, {"label", flight.is_late ? 1 : 0}}));
  }
  std::vector<std::size_t> weather_rows;
  for (; next_weather_ < weather_.size() && weather_[next_weather_].published <= t; ++next_weather_) weather_rows.push_back(weather_[next_weather_].row);
  std::vector<net::ClientRequest> requests;
  ++sequence_;
  if (!landed_rows.empty()) requests.push_back(PushRequest("flights", flight_rows_.Take(landed_rows)));
  if (!weather_rows.empty()) {
    data::Batch rows = weather_rows_.Take(weather_rows);
    if (fault && t >= fault->from) {
      const std::size_t index = SW_TRY(rows.schema().Index(fault->column, "weather"));
      data::Column broken(rows.column(index).type());
      for (std::size_t i = 0; i < rows.num_rows(); ++i) {
        if (rows.column(index).IsNull(i)) broken.AppendNull();
        else broken.AppendDouble(rows.column(index).AsDouble(i) * fault->factor);
      }
      rows.column(index) = std::move(broken);
    }
    requests.push_back(PushRequest("weather", rows));
  }
  if (labels_.size() > 0 && t >= labels_due_) {
    labels_due_ = (t / base::kHourUs + 1) * base::kHourUs;
    traffic.labels += labels_.size();
    const Json body = Json::MakeObject({{"labels", std::exchange(labels_, Json::MakeArray())}, {"producer", "demo-labels"}, {"sequence", sequence_}});
    requests.push_back({.method = net::Method::kPost, .target = "/seaworthy/v1/endpoints/late/labels", .body = body.Dump(),
                        .headers = net::Headers({{"content-type", "application/json"}})});
  }
  if (requests.empty()) return Ok();
  for (const net::Response& response : SW_TRY(api.client().Pipeline(requests))) {
    if (response.status / 100 != 2) return Internal("a push was refused with {}: {}", response.status, response.body);
  }
  return Ok();
}

Status World::Predict(Api& api, const Flight& flight, Traffic& traffic) {
  Json row = Json::MakeObject({{"departs", base::FormatTime(flight.departs)}});
  for (const char* name : {"origin", "carrier", "dest", "tailnum", "distance"}) row.Set(name, SW_TRY(flight_rows_.Get(name))->ToJson(flight.row));
  const Json body = Json::MakeObject({{"rows", Json::MakeArray({std::move(row)})}, {"ids", Json::MakeArray({flight.id})}});
  const net::ClientRequest request{.method = net::Method::kPost, .target = "/seaworthy/v1/endpoints/late/predict", .body = body.Dump(),
                                   .headers = net::Headers({{"content-type", "application/json"}})};
  const std::int64_t start_ns = base::MonotonicNs();
  const net::Response response = SW_TRY(api.client().Send(request));
  traffic.latency_ns.push_back(base::MonotonicNs() - start_ns);
  ++traffic.requests;
  if (response.status == 200) return Ok();
  if (++traffic.failed == 1) return Internal("a prediction was refused with {}: {}", response.status, response.body);
  return Ok();
}

std::pair<std::uint64_t, std::uint64_t> World::AskedBefore(TimeUs until) const {
  std::uint64_t asked = 0, never = 0;
  for (std::size_t i = 0; i < flights_.size() && flights_[i].departs < until; ++i) {
    if (!asked_[i]) continue;
    ++asked;
    if (flights_[i].landed == 0) ++never;
  }
  return {asked, never};
}

std::map<std::string, double> World::DelaysById() const {
  std::map<std::string, double> delays;
  const data::Column* delay = flight_rows_.Find("arr_delay");
  for (const Flight& flight : flights_) {
    if (flight.landed != 0) delays[flight.id] = delay->AsDouble(flight.row);
  }
  return delays;
}

Result<Traffic> World::Play(Api& api, TimeUs from, TimeUs until, const std::optional<Fault>& fault) {
  Traffic traffic;
  const std::int64_t start_ns = base::MonotonicNs();
  auto flight = std::lower_bound(flights_.begin(), flights_.end(), from, [](const Flight& f, TimeUs t) { return f.departs < t; });
  // What was known before `from` was loaded, or played.
  while (next_landing_ < by_landing_.size() && flights_[by_landing_[next_landing_]].landed <= from && sequence_ == 0) ++next_landing_;
  while (next_weather_ < weather_.size() && weather_[next_weather_].published <= from && sequence_ == 0) ++next_weather_;
  TimeUs clock = from;
  const auto move_to = [&](TimeUs t) -> Status {
    SW_TRY(PushUntil(api, t, fault, traffic));
    if (t > clock) SW_TRY(api.AdvanceClock(t));
    if (tell_ && t / base::kHourUs != clock / base::kHourUs) tell_(t);
    clock = t;
    return Ok();
  };
  while (flight != flights_.end() && flight->departs < until) {
    const TimeUs t = flight->departs;
    // Through a quiet night, hour by hour: what is due must be done when it is due.
    while (clock + base::kHourUs < t) SW_TRY(move_to((clock / base::kHourUs + 1) * base::kHourUs));
    SW_TRY(move_to(t));
    for (; flight != flights_.end() && flight->departs == t; ++flight) {
      asked_[static_cast<std::size_t>(flight - flights_.begin())] = true;
      if (flight->landed == 0) ++traffic.never_labelled;
      SW_TRY(Predict(api, *flight, traffic));
    }
  }
  while (clock + base::kHourUs < until) SW_TRY(move_to((clock / base::kHourUs + 1) * base::kHourUs));
  SW_TRY(move_to(until));
  for (const std::int64_t ns : traffic.latency_ns) traffic.predict_seconds += static_cast<double>(ns) * 1e-9;
  traffic.seconds = static_cast<double>(base::MonotonicNs() - start_ns) * 1e-9;
  return traffic;
}

}  // namespace sw::demo
