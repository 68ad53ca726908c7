#include "app/tracing.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/errors.h"
#include "base/ids.h"
#include "base/random.h"
#include "base/text.h"

namespace sw::app {
namespace {

bool IsFieldName(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

std::vector<trace::Attribute> Resource() {
  const base::SystemClock clock;
  return {{"service.name", "seaworthy"},
          {"service.version", SW_VERSION},
          {"service.instance.id", base::IdGenerator(clock, base::Random::FromSystem()).NewUuid()},
          {"process.pid", static_cast<std::int64_t>(::getpid())}};
}

void AddPrediction(trace::Tracer& tracer, const serve::PredictionTrace& prediction) {
  trace::Span span;
  span.attributes = {{"seaworthy.endpoint", std::string(prediction.endpoint)},
                     {"seaworthy.version", prediction.version},
                     {"seaworthy.rows", static_cast<std::int64_t>(prediction.rows)}};
  if (!prediction.request_id.empty()) span.attributes.push_back({"seaworthy.request_id", std::string(prediction.request_id)});
  if (prediction.error) {
    span.is_error = true;
    span.message = base::ErrorCodeName(*prediction.error);
    span.attributes.push_back({"error.type", span.message});
  }
  std::vector<trace::Tracer::Child> stages;
  const auto add = [&](const char* name, std::int64_t begin_ns, std::int64_t end_ns) {
    if (begin_ns != 0) stages.push_back({name, begin_ns, end_ns != 0 ? end_ns : prediction.end_ns});
  };
  add("input", prediction.begin_ns, prediction.ready_ns);
  add("queue", prediction.ready_ns, prediction.scoring_begins_ns);
  add("score", prediction.scoring_begins_ns, prediction.scoring_ends_ns);
  add("output", prediction.scoring_ends_ns, prediction.end_ns);
  tracer.AddPart(prediction.traceparent, std::move(span), {"predict", prediction.begin_ns, prediction.end_ns}, stages);
}

}  // namespace

Tracing::Tracing(trace::SpanExporter::Options exporting, trace::Tracer::Options sampling, base::Counters& counters, base::Logger& log)
    : exporter(std::move(exporting), counters, log),
      tracer(std::move(sampling), [this](std::vector<trace::Span> spans) { exporter.Add(std::move(spans)); }) {}

Result<net::Headers> ParseOtlpHeaders(std::string_view text) {
  net::Headers headers;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = base::Trimmed(text.substr(0, comma), " ");
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view name = base::Trimmed(item.substr(0, equals), " ");
    if (equals == item.size() || !IsFieldName(name)) return InvalidArgument("otlp_headers: expected NAME=VALUE, with ',' between them");
    const std::string value = SW_TRY(net::PercentDecode(base::Trimmed(item.substr(equals + 1), " ")));
    if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < ' '; })) {
      return InvalidArgument("otlp_headers: the value of {} has a control character", name);
    }
    headers.Add(std::string(name), value);
  }
  return headers;
}

Result<std::unique_ptr<Tracing>> OpenTracing(const Settings& settings, base::Counters& counters, base::Logger& log) {
  if (!settings.IsSet("otlp_endpoint")) return nullptr;
  trace::SpanExporter::Options exporter;
  const net::Headers headers = SW_TRY(ParseOtlpHeaders(settings.Text("otlp_headers")));
  auto post = trace::SpanExporter::PostTo(settings.Text("otlp_endpoint"), headers, settings.Text("otlp_ca"));
  if (!post) return std::unexpected(std::move(post).error().Within("otlp_endpoint"));
  exporter.post = *std::move(post);
  exporter.resource = Resource();
  trace::Tracer::Options tracer;
  tracer.ratio = settings.Ratio("trace_ratio");
  tracer.random = base::Random::FromSystem();
  return std::make_unique<Tracing>(std::move(exporter), std::move(tracer), counters, log);
}

serve::TracePrediction TracePredictions(Tracing* tracing) {
  if (tracing == nullptr) return {};
  return [tracing](const serve::PredictionTrace& prediction) { AddPrediction(tracing->tracer, prediction); };
}

}  // namespace sw::app
