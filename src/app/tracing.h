// Tracing: requests and predictions as spans to the collector that the settings name.
//
//   auto tracing = SW_TRY(OpenTracing(settings, counters, log));
//   if (tracing) server_options.observer = &tracing->tracer;
//   endpoint_options.trace = TracePredictions(tracing.get());
//
// Thread-safe. Its destructor sends what is left, so it outlives servers and endpoints.
#pragma once

#include <memory>

#include "app/settings.h"
#include "base/counters.h"
#include "base/log.h"
#include "serve/prediction_trace.h"
#include "trace/exporter.h"
#include "trace/tracer.h"

namespace sw::app {

struct Tracing {
  Tracing(trace::SpanExporter::Options exporting, trace::Tracer::Options sampling, base::Counters& counters, base::Logger& log);
  trace::SpanExporter exporter;
  trace::Tracer tracer;
};

// Null when no otlp_endpoint is set.
Result<std::unique_ptr<Tracing>> OpenTracing(const Settings& settings, base::Counters& counters, base::Logger& log);

// Empty without a Tracing. A prediction is a span "predict", with one for each stage that it came to.
serve::TracePrediction TracePredictions(Tracing* tracing);

// "name=value,name=value", the values percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS has them.
Result<net::Headers> ParseOtlpHeaders(std::string_view text);

}  // namespace sw::app
