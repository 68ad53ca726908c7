#include "api/native/arguments.h"
#include "api/native/route_table.h"
#include "base/errors.h"

namespace sw::native {
namespace {

Result<flow::TrainRequest> TrainArguments(const Json& body) {
  flow::TrainRequest train;
  train.recipe = SW_TRY(body.GetString("recipe"));
  train.table = SW_TRY(TextOr(body, "table", ""));
  train.label = SW_TRY(TextOr(body, "label", "label"));
  train.from = SW_TRY(TimeOr(body, "from", 0));
  train.until = SW_TRY(TimeOr(body, "until", 0));
  train.held_out = SW_TRY(DurationOr(body, "held_out", 0));
  train.naive = SW_TRY(BoolOr(body, "naive", false));
  train.seed = static_cast<std::uint64_t>(SW_TRY(IntOr(body, "seed", 0)));
  const Json* extra = body.Find("extra");
  if (extra == nullptr || extra->IsNull()) return train;
  if (!extra->IsObject())
    return InvalidArgument("extra: expected an object of name -> expression, found {}",
                           extra->TypeName());
  for (const auto& [name, expression] : extra->AsObject()) {
    if (!expression.IsString())
      return InvalidArgument("extra.{}: expected an expression, found {}", name,
                             expression.TypeName());
    train.extra.emplace_back(name, expression.AsString());
  }
  return train;
}

flow::Progress ProgressOf(JobProgress& progress) {
  return [&progress](double done, std::string_view message) { progress.Set(done, message); };
}

Result<net::Response> Train(const Context& context, const net::Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"recipe", "table", "label", "from", "until", "held_out",
                                            "naive", "extra", "seed"}));
  flow::TrainRequest train = SW_TRY(TrainArguments(body));
  return StartJob(
      context, request, "train",
      [&context, train = std::move(train), caller = request.caller](JobProgress& progress) mutable {
        train.progress = ProgressOf(progress);
        return context.flow->Train(caller, train);
      });
}

// The recipe names the training set, so that both operations take the same arguments.
Result<net::Response> Build(const Context& context, const net::Request& request) {
  const Json body =
      SW_TRY(BodyOf(request, {"recipe", "from", "until", "held_out", "naive", "extra", "out"}));
  flow::TrainRequest train = SW_TRY(TrainArguments(body));
  const std::string out = SW_TRY(TextOr(body, "out", ""));
  return StartJob(context, request, "training_set",
                  [&context, train = std::move(train), out,
                   caller = request.caller](JobProgress& progress) mutable {
                    train.progress = ProgressOf(progress);
                    return context.flow->BuildTrainingSet(caller, train, out);
                  });
}

Result<net::Response> Gate(const Context& context, const net::Request& request) {
  const Json body =
      SW_TRY(BodyOf(request, {"gate", "candidate", "against", "from", "until", "table", "label"}));
  flow::GateRequest gate;
  gate.gate = SW_TRY(body.GetString("gate"));
  gate.candidate = SW_TRY(body.GetString("candidate"));
  gate.against = SW_TRY(TextOr(body, "against", ""));
  gate.from = SW_TRY(TimeOr(body, "from", 0));
  gate.until = SW_TRY(TimeOr(body, "until", 0));
  gate.table = SW_TRY(TextOr(body, "table", ""));
  gate.label = SW_TRY(TextOr(body, "label", "label"));
  return StartJob(context, request, "gate",
                  [&context, gate, caller = request.caller](JobProgress&) {
                    return context.flow->Gate(caller, gate);
                  });
}

constexpr JobRoute kJobs[] = {
    {"/seaworthy/v1/training-sets", "models.train", Build,
     "Job: builds a recipe's training set by point-in-time join, and writes it where `out` says.",
     R"({"type":"object","required":["recipe"],"properties":{"recipe":{"type":"string"},"from":{"type":"string"},)"
     R"("until":{"type":"string"},"held_out":{"type":"string"},"naive":{"type":"boolean"},)"
     R"("extra":{"type":"object"},"out":{"type":"string"}}})"},
    {"/seaworthy/v1/train", "models.train", Train,
     "Job: trains a model by a recipe, and makes a package of it.",
     R"({"type":"object","required":["recipe"],"properties":{"recipe":{"type":"string"},"table":{"type":"string"},)"
     R"("label":{"type":"string"},"from":{"type":"string"},"until":{"type":"string"},"held_out":{"type":"string"},)"
     R"("naive":{"type":"boolean"},"extra":{"type":"object"},"seed":{"type":"integer"}}})"},
    {"/seaworthy/v1/gate", "models.train", Gate,
     "Job: judges a package against another; the answer is pass, fail or undecided, with its "
     "evidence.",
     R"({"type":"object","required":["gate","candidate"],"properties":{"gate":{"type":"string"},)"
     R"("candidate":{"type":"string"},"against":{"type":"string"},"from":{"type":"string"},)"
     R"("until":{"type":"string"},"table":{"type":"string"},"label":{"type":"string"}}})"},
};

}  // namespace

void AddTrainingRoutes(const Context& context, Routes& routes) {
  AddJobs(context, kJobs, routes);
}

}  // namespace sw::native
