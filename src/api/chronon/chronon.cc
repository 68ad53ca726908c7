#include "api/chronon/chronon.h"

#include <algorithm>
#include <memory>
#include <span>

#include "base/errors.h"
#include "feature/service_request.h"

namespace sw::chronon {
namespace {

constexpr std::size_t kRowsMax = 10'000;
constexpr const char* kRowsSchema = R"({"type":"array","items":{"type":"object"}})";

net::Response RenderError(int status, const Error& error) {
  return net::JsonResponse(status, Json::MakeObject({{"errors", Json::MakeArray({error.message})}}));
}

std::string AsAName(std::string_view name) {
  std::string plain(name);
  std::ranges::replace_if(plain, [](char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')); }, '_');
  return plain;
}

// A view is read as the service of all of its features.
Result<std::string> ServiceFor(const feature::Definitions& defined, std::string_view name, bool is_view) {
  const std::string prefix = is_view ? std::string(1, feature::kViewService) : "";
  const std::string plain = AsAName(name);
  const bool is_known = is_view ? defined.views.contains(plain) : defined.services.contains(plain);
  const std::string service = prefix + (is_known ? plain : std::string(name));
  SW_TRY(feature::ServiceNamed(defined, service));
  return service;
}

// The rows that can be read, and why the others cannot.
struct Rows {
  Json::Array asked;
  std::vector<std::string> problems;  // by asked row; empty: none
  data::Batch batch;                  // of the rows without one
};

Result<Rows> RowsOf(const data::Schema& brings, const net::Request& request) {
  const Json body = SW_TRY(Json::Parse(request.body));
  if (!body.IsArray()) return InvalidArgument("expected an array of objects of keys, found {}", body.TypeName());
  if (body.size() > kRowsMax) return ResourceExhausted("{} rows, the limit is {}; send fewer at once", body.size(), kRowsMax);
  Rows rows{.asked = body.AsArray(), .problems = {}, .batch = data::Batch(brings)};
  for (const Json& row : rows.asked) {
    if (!row.IsObject()) return InvalidArgument("expected an array of objects of keys, found {} in it", row.TypeName());
    const auto read = feature::RequestRows(brings, std::span(&row, 1));
    rows.problems.push_back(read ? "" : read.error().message);
    if (read) rows.batch.AppendAll(*read);
  }
  return rows;
}

// "view.feature" is "view_feature" in a join, and "feature" in a group-by.
std::string NameOf(std::string_view feature, bool is_view) {
  const std::size_t dot = feature.find('.');
  if (is_view) return std::string(feature.substr(dot + 1));
  std::string name(feature);
  name[dot] = '_';
  return name;
}

Json ResultsJson(const Rows& rows, const data::Batch& features, bool is_view) {
  Json results = Json::MakeArray();
  std::size_t at = 0;
  for (std::size_t i = 0; i < rows.asked.size(); ++i) {
    if (!rows.problems[i].empty()) {
      results.Append(Json::MakeObject({{"status", "Failure"}, {"entityKeys", rows.asked[i]}, {"error", rows.problems[i]}}));
      continue;
    }
    Json values = Json::MakeObject();
    for (std::size_t c = 0; c < features.num_columns(); ++c) {
      values.Set(NameOf(features.schema().fields[c].name, is_view), features.column(c).ToJson(at));
    }
    results.Append(Json::MakeObject({{"status", "Success"}, {"entityKeys", rows.asked[i]}, {"features", std::move(values)}}));
    ++at;
  }
  return Json::MakeObject({{"results", std::move(results)}});
}

void Fetch(feature::FeatureStore& store, const base::Clock& clock, const net::Request& request, bool is_view, const net::Responder& responder) {
  const auto defined = store.definitions();
  std::string service;
  auto rows = [&]() -> Result<Rows> {
    service = SW_TRY(ServiceFor(*defined, request.Param("name"), is_view));
    return RowsOf(SW_TRY(feature::RequestSchema(*defined, service)), request);
  }();
  if (!rows) return responder.Send(RenderError(base::HttpStatus(rows.error().code), rows.error()));
  // The store may answer later: the rows live as long as the callback.
  const auto kept = std::make_shared<const Rows>(*std::move(rows));
  if (kept->batch.num_rows() == 0) return responder.Send(net::JsonResponse(200, ResultsJson(*kept, {}, is_view)));
  store.ReadOnline(service, kept->batch, clock.Now(), [responder, kept, is_view](const Result<feature::FeatureRead>& read) {
    if (!read) return responder.Send(RenderError(base::HttpStatus(read.error().code), read.error()));
    responder.Send(net::JsonResponse(200, ResultsJson(*kept, read->features, is_view)));
  });
}

}  // namespace

std::vector<net::Route> ChrononRoutes(feature::FeatureStore* features, const base::Clock* clock) {
  const auto route = [&](const char* pattern, bool is_view, const char* summary) {
    return net::Route{.method = net::Method::kPost, .pattern = pattern, .scope = "features.read",
                      .handler = [features, clock, is_view](net::Request request, const net::Responder& responder) {
                        Fetch(*features, *clock, request, is_view, responder);
                      },
                      .render_error = RenderError, .summary = summary, .request_schema = kRowsSchema};
  };
  return {route("/v1/features/join/{name}", false, "Chronon: the features of a feature service, by rows of keys."),
          route("/v1/features/groupby/{name}", true, "Chronon: the features of a view, by rows of keys.")};
}

}  // namespace sw::chronon
