#include "model/engines/onnx_engine.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/text.h"
#include "model/engines/onnx_inputs.h"
#include "model/engines/onnx_session.h"
#include "model/formats/onnx.h"

namespace sw::model {
namespace {

using Element = OnnxValue::Element;

constexpr std::size_t kSessionBytes = 256u << 10;  // of a session whose model is empty
constexpr std::size_t kWeightFactor = 2;           // weights: as they came, and as kernels read them
constexpr std::size_t kTreeFactor = 7;             // trees' nodes, which ONNX keeps as lists of small numbers

// An output of the session: it has `count` values a row, of which `take` from `from` on are scores.
struct OutputTensor {
  std::size_t place;
  std::size_t count = 0, from = 0, take = 0;
};

bool IsFloating(const OnnxValue& value) {
  return value.element == Element::kFloat || value.element == Element::kDouble;
}

bool IsLabel(const OnnxValue& value) {
  return value.element == Element::kInt64 || value.element == Element::kString;
}

bool NamesProbability(const OnnxValue& value) {
  return base::ToLower(value.name).contains("prob");
}

// Values a row, where the shape tells.
std::optional<std::size_t> ValuesARow(const std::vector<std::int64_t>& shape) {
  if (shape.empty()) return {};
  std::size_t count = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) {
    if (shape[i] <= 0 || count * static_cast<std::size_t>(shape[i]) > kOnnxColumnsMax) return {};
    count *= static_cast<std::size_t>(shape[i]);
  }
  return count;
}

// Scores one row of zeros, to see how many values come out: converters leave sizes open, and declare
// wrong ones. What is declared stands where such a row does not score.
Status Probe(const OnnxSession& session, const OnnxInputs& inputs,
             std::vector<OutputTensor>& outputs) {
  auto zeros = SW_TRY(inputs.Zeros());
  std::vector<std::size_t> wanted;
  for (const OutputTensor& output : outputs) wanted.push_back(output.place);
  const auto answers = session.Run(zeros, wanted);
  if (!answers && answers.error().code == ErrorCode::kDeadlineExceeded) {
    return std::unexpected(answers.error());
  }
  const auto is_open = [](const OutputTensor& output) { return output.count == 0; };
  if (!answers && std::ranges::none_of(outputs, is_open)) return Ok();
  if (!answers) {
    return InvalidArgument(
        "ONNX: the model does not say how many values its outputs have, and a row of zeros does "
        "not score; "
        "export it with their sizes ({})",
        answers.error().message);
  }
  for (std::size_t i = 0; i < answers->size(); ++i) outputs[i].count = (*answers)[i].values.size();
  return Ok();
}

Result<std::vector<OutputTensor>> PlanOutputs(const OnnxSession& session,
                                              const OnnxOutline& outline,
                                              const OnnxInputs& inputs) {
  const std::vector<OnnxValue>& values = session.outputs();
  std::vector<OutputTensor> outputs;
  const auto any = [&](auto is) { return std::ranges::any_of(values, is); };
  const bool is_floating = any(IsFloating);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (is_floating ? IsFloating(values[i]) : values[i].IsNumber()) outputs.push_back({.place = i});
  }
  if (outputs.empty())
    return InvalidArgument("ONNX: no output of the model is a tensor of numbers");
  for (OutputTensor& output : outputs) {
    output.count = ValuesARow(values[output.place].shape).value_or(0);
  }
  SW_TRY(Probe(session, inputs, outputs));
  const OnnxValue& first = values[outputs[0].place];
  const bool is_probability = NamesProbability(first) || !outline.zip_maps.empty();
  const bool is_classifier = outputs.size() == 1 && is_floating && is_probability && any(IsLabel);
  for (OutputTensor& output : outputs) {
    if (output.count == 0 || output.count > kOnnxColumnsMax) {
      return InvalidArgument("ONNX: the output {} has {} values a row; 1 to {} are read",
                             values[output.place].name, output.count, kOnnxColumnsMax);
    }
    const bool is_binary = is_classifier && output.count == 2;
    output.from = is_binary ? 1 : 0;
    output.take = is_binary ? 1 : output.count;
  }
  return outputs;
}

// What ZipMaps make maps of, where it is no output by itself.
std::vector<std::string> TensorsOfMaps(const OnnxOutline& outline) {
  std::set<std::string> seen(outline.outputs.begin(), outline.outputs.end());
  std::vector<std::string> tensors;
  for (const OnnxOutline::ZipMap& zip_map : outline.zip_maps) {
    if (seen.contains(zip_map.output) && seen.insert(zip_map.input).second) {
      tensors.push_back(zip_map.input);
    }
  }
  return tensors;
}

class OnnxEngine final : public Engine {
 public:
  OnnxEngine(std::unique_ptr<const OnnxSession> session, OnnxInputs inputs,
             std::vector<OutputTensor> outputs, std::size_t memory_bytes)
      : session_(std::move(session)), inputs_(std::move(inputs)), outputs_(std::move(outputs)),
        memory_bytes_(memory_bytes) {
    for (const OutputTensor& output : outputs_) {
      wanted_.push_back(output.place);
      width_ += output.take;
    }
  }

  const std::vector<std::string>& inputs() const override { return inputs_.columns(); }
  Exactness exactness() const override { return Exactness::kEngine; }
  std::size_t outputs(Output) const override { return width_; }
  // The library does not say: by what it was seen to take a byte of the model.
  std::size_t memory_bytes() const override { return memory_bytes_; }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    if (output == Output::kRaw)
      return Unimplemented("an ONNX model has no raw scores, only what its outputs are");
    const auto columns = SW_TRY(inputs_.Find(rows));
    for (std::size_t from = 0; from < rows.num_rows(); from += inputs_.rows_a_run()) {
      const std::size_t count = std::min(inputs_.rows_a_run(), rows.num_rows() - from);
      auto tensors = SW_TRY(inputs_.Tensors(columns, from, count));
      SW_TRY(ScorePart(tensors, count, scores.subspan(from * width_, count * width_)));
    }
    return Ok();
  }

  Json Describe() const override {
    return Json::MakeObject({{"engine", "onnxruntime"},
                             {"version", session_->version()},
                             {"why", "ONNX models are scored by ONNX Runtime, one thread a call"}});
  }

 private:
  Status ScorePart(std::span<OnnxTensor> tensors, std::size_t rows,
                   std::span<double> scores) const {
    const auto answers = SW_TRY(session_->Run(tensors, wanted_));
    std::size_t at = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const OutputTensor& output = outputs_[i];
      if (answers[i].values.size() != rows * output.count) {
        return FailedPrecondition(
            "ONNX: {} rows gave {} values of the output {}, expected {} a row", rows,
            answers[i].values.size(), session_->outputs()[output.place].name, output.count);
      }
      for (std::size_t row = 0; row < rows; ++row) {
        const auto from = answers[i].values.begin() +
                          static_cast<std::ptrdiff_t>(row * output.count + output.from);
        std::copy_n(from, output.take,
                    scores.begin() + static_cast<std::ptrdiff_t>(row * width_ + at));
      }
      at += output.take;
    }
    return Ok();
  }

  std::unique_ptr<const OnnxSession> session_;
  OnnxInputs inputs_;
  std::vector<OutputTensor> outputs_;
  std::vector<std::size_t> wanted_;
  std::size_t width_ = 0;
  const std::size_t memory_bytes_;
};

}  // namespace

std::size_t OnnxMemoryBytes(std::string_view model) {
  return kSessionBytes + model.size() * (model.contains("TreeEnsemble") ? kTreeFactor : kWeightFactor);
}

Result<std::unique_ptr<Engine>> MakeOnnxEngine(std::string_view model, const OnnxOptions& options) {
  if (model.size() > kOnnxBytesMax) {
    return InvalidArgument("ONNX: the model has {} bytes; {} are the limit", model.size(),
                           kOnnxBytesMax);
  }
  const OnnxOutline outline = SW_TRY(ReadOnnxOutline(model));
  // Maps would cost an allocation a row and class: the tensor that they are made of is asked for.
  const std::vector<std::string> tensors = TensorsOfMaps(outline);
  const std::string with_tensors = tensors.empty() ? "" : WithOnnxOutputs(model, tensors);
  auto session =
      SW_TRY(OnnxSession::Open(with_tensors.empty() ? model : with_tensors,
                               {.library = options.library, .run_limit = options.run_limit}));
  auto inputs = SW_TRY(OnnxInputs::Make(session->inputs(), outline, options.columns));
  auto outputs = SW_TRY(PlanOutputs(*session, outline, inputs));
  return std::make_unique<OnnxEngine>(std::move(session), std::move(inputs), std::move(outputs), OnnxMemoryBytes(model));
}

}  // namespace sw::model
