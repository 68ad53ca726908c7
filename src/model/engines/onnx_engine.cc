#include "model/engines/onnx_engine.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/errors.h"
#include "model/engines/columns.h"
#include "model/engines/onnx_session.h"
#include "model/formats/onnx.h"

namespace sw::model {
namespace {

using Element = OnnxValue::Element;

constexpr std::size_t kRowsARun = 4096;  // bounds what the model's layers hold at once
constexpr std::size_t kProbeRows = 1;

// An input of the session: `count` columns of the engine's inputs, from `first` on.
struct InputTensor {
  Element element;
  bool is_matrix;  // [N, count] rather than [N]
  std::size_t first, count;
};

// An output of the session: it has `count` values a row, of which `take` from `from` on are scores.
struct OutputTensor {
  std::size_t place;
  std::size_t count = 0, from = 0, take = 0;
};

struct OnnxPlan {
  std::vector<std::string> columns;
  std::vector<InputTensor> inputs;
  std::vector<OutputTensor> outputs;
  std::size_t rows_a_run = kRowsARun;
};

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const std::int64_t size : shape) sizes.push_back(size < 0 ? "N" : std::to_string(size));
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

// ---- Inputs ----

// The number of columns of an input, or nothing where the model leaves it open.
Result<std::optional<std::size_t>> CountColumns(const OnnxValue& input, std::size_t& rows_a_run) {
  if (input.element == Element::kNone) {
    return InvalidArgument(
        "ONNX: the input {} is {}; tensors of float, double, int64, int32, bool and string are "
        "read",
        input.name, input.type);
  }
  const std::vector<std::int64_t>& shape = input.shape;
  if (shape.empty() || shape.size() > 2) {
    return InvalidArgument(
        "ONNX: the input {} has the shape {}; [N], [N, 1] and [N, columns] are read", input.name,
        ShapeText(shape));
  }
  if (shape[0] == 1) rows_a_run = 1;
  if (shape[0] > 1 || shape[0] == 0) {
    return InvalidArgument(
        "ONNX: the input {} has the shape {}, for so many rows only; export it with an open first "
        "size (torch.onnx.export: "
        "dynamic_axes={{'{}': {{0: 'N'}}}})",
        input.name, ShapeText(shape), input.name);
  }
  if (shape.size() == 1) return 1;
  if (shape[1] < 0) return std::nullopt;
  if (shape[1] == 0 || static_cast<std::size_t>(shape[1]) > kOnnxColumnsMax) {
    return InvalidArgument("ONNX: the input {} has {} columns; 1 to {} are read", input.name,
                           shape[1], kOnnxColumnsMax);
  }
  return static_cast<std::size_t>(shape[1]);
}

// The names that the model's metadata gives; none when it gives none.
Result<std::vector<std::string>> DeclaredNames(const OnnxOutline& outline) {
  const std::string* text = outline.FindMetadata("feature_names");
  if (text == nullptr) return std::vector<std::string>();
  const auto json = Json::Parse(*text);
  std::vector<std::string> names;
  const bool is_array = json && json->IsArray();
  for (const Json& name : is_array ? json->AsArray() : Json::Array()) {
    if (name.IsString()) names.push_back(name.AsString());
  }
  if (!is_array || names.empty() || names.size() != json->size()) {
    return InvalidArgument("ONNX: the metadata entry feature_names must be a JSON array of text");
  }
  return names;
}

void AppendNames(const OnnxValue& input, const InputTensor& tensor,
                 std::vector<std::string>& names) {
  if (tensor.count == 1) return names.push_back(input.name);
  for (std::size_t i = 0; i < tensor.count; ++i)
    names.push_back(fmt::format("{}_{}", input.name, i));
}

// The number of columns of each input. The one that the model may leave open has what the names that
// are given for all leave to it.
Result<std::vector<std::size_t>> CountAllColumns(const OnnxSession& session, std::size_t names,
                                                 std::size_t& rows_a_run) {
  std::vector<std::size_t> counts;
  std::optional<std::size_t> open;
  std::size_t known = 0;
  bool is_told = true;
  for (const OnnxValue& input : session.inputs()) {
    const auto count = SW_TRY(CountColumns(input, rows_a_run));
    known += count.value_or(0);
    if (known > kOnnxColumnsMax)
      return InvalidArgument("ONNX: more than {} columns", kOnnxColumnsMax);
    if (!count) {
      is_told = is_told && !open;
      open = counts.size();
    }
    counts.push_back(count.value_or(0));
  }
  if (!open) return counts;
  if (!is_told || names <= known || names > kOnnxColumnsMax) {
    return InvalidArgument(
        "ONNX: the model does not say how many columns it reads; export it with that size, or name "
        "them in its metadata: "
        "onnx.helper.set_model_props(model, {{\"feature_names\": json.dumps([...])}})");
  }
  counts[*open] = names - known;
  return counts;
}

Status PlanInputs(const OnnxSession& session, std::vector<std::string> declared,
                  std::vector<std::string> given, OnnxPlan& plan) {
  const std::size_t names = std::max(declared.size(), given.size());
  const auto counts = SW_TRY(CountAllColumns(session, names, plan.rows_a_run));
  std::vector<std::string> own;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const OnnxValue& input = session.inputs()[i];
    plan.inputs.push_back({.element = input.element,
                           .is_matrix = input.shape.size() == 2,
                           .first = own.size(),
                           .count = counts[i]});
    AppendNames(input, plan.inputs.back(), own);
  }
  own = SW_TRY(ChooseNames(std::move(own), std::move(declared)));
  plan.columns = SW_TRY(ChooseNames(std::move(own), std::move(given)));
  const std::set<std::string_view> unique(plan.columns.begin(), plan.columns.end());
  if (unique.size() != plan.columns.size()) {
    return InvalidArgument("ONNX: two of the model's columns have one name");
  }
  return Ok();
}

// ---- Values ----

// What a column's values are refused for.
std::unexpected<Error> Refuse(const std::string& name, const data::Column& column, std::size_t row,
                              std::string_view wanted) {
  if (column.IsNull(row)) {
    return InvalidArgument(
        "the column {} is missing in row {}, and the ONNX model reads it as {}; fill it first",
        name, row, wanted);
  }
  return InvalidArgument("the column {} is {} in row {}, the ONNX model reads {}", name,
                         column.ToText(row), row, wanted);
}

std::string_view ElementText(Element element) {
  switch (element) {
    case Element::kFloat:
      return "float";
    case Element::kDouble:
      return "double";
    case Element::kInt64:
      return "int64";
    case Element::kInt32:
      return "int32";
    case Element::kBool:
      return "bool";
    case Element::kString:
      return "string";
    case Element::kNone:
      break;
  }
  return "nothing";
}

Status CheckType(const std::string& name, const data::Column& column, Element element) {
  const bool is_text = column.type() == data::Type::kString;
  if (is_text == (element == Element::kString)) return Ok();
  return InvalidArgument("the model's input {} must be {}, found {}", name, ElementText(element),
                         TypeName(column.type()));
}

// An integer between the limits, exactly; nothing for what is none.
std::optional<std::int64_t> Integer(const data::Column& column, std::size_t row, std::int64_t low,
                                    std::int64_t high) {
  if (column.IsNull(row)) return {};
  std::int64_t value = 0;
  if (column.type() == data::Type::kFloat64) {
    const double number = column.Double(row);
    if (!(number >= -0x1p63 && number < 0x1p63) || number != std::trunc(number)) return {};
    value = static_cast<std::int64_t>(number);
  } else {
    value = column.Int(row);
  }
  if (value < low || value > high) return {};
  return value;
}

struct Rows {
  const std::vector<const data::Column*>& columns;
  const std::vector<std::string>& names;
  std::size_t from, count;
};

template <typename T>
std::vector<T> Numbers(const Rows& rows, const InputTensor& tensor) {
  std::vector<T> values(rows.count * tensor.count);
  for (std::size_t c = 0; c < tensor.count; ++c) {
    const data::Column& column = *rows.columns[tensor.first + c];
    for (std::size_t r = 0; r < rows.count; ++r) {
      values[r * tensor.count + c] = static_cast<T>(column.AsDouble(rows.from + r));
    }
  }
  return values;
}

template <typename T>
Result<std::vector<T>> Integers(const Rows& rows, const InputTensor& tensor) {
  const bool is_bool = tensor.element == Element::kBool;
  const std::int64_t low = is_bool ? 0 : std::numeric_limits<T>::min();
  const std::int64_t high = is_bool ? 1 : std::numeric_limits<T>::max();
  std::vector<T> values(rows.count * tensor.count);
  for (std::size_t c = 0; c < tensor.count; ++c) {
    const data::Column& column = *rows.columns[tensor.first + c];
    for (std::size_t r = 0; r < rows.count; ++r) {
      const auto value = Integer(column, rows.from + r, low, high);
      if (!value)
        return Refuse(rows.names[tensor.first + c], column, rows.from + r,
                      ElementText(tensor.element));
      values[r * tensor.count + c] = static_cast<T>(*value);
    }
  }
  return values;
}

Result<std::vector<std::string>> Texts(const Rows& rows, const InputTensor& tensor) {
  std::vector<std::string> values(rows.count * tensor.count);
  for (std::size_t c = 0; c < tensor.count; ++c) {
    const data::Column& column = *rows.columns[tensor.first + c];
    for (std::size_t r = 0; r < rows.count; ++r) {
      const std::string_view text = column.String(rows.from + r);
      const bool is_good =
          !column.IsNull(rows.from + r) && !text.contains('\0');  // ONNX Runtime's texts end at 0
      if (!is_good) return Refuse(rows.names[tensor.first + c], column, rows.from + r, "text");
      values[r * tensor.count + c] = text;
    }
  }
  return values;
}

Result<OnnxTensor> MakeTensor(const Rows& rows, const InputTensor& tensor) {
  OnnxTensor made{.shape = {static_cast<std::int64_t>(rows.count)}, .values = {}};
  if (tensor.is_matrix) made.shape.push_back(static_cast<std::int64_t>(tensor.count));
  switch (tensor.element) {
    case Element::kFloat:
      made.values = Numbers<float>(rows, tensor);
      break;
    case Element::kDouble:
      made.values = Numbers<double>(rows, tensor);
      break;
    case Element::kInt64:
      made.values = SW_TRY(Integers<std::int64_t>(rows, tensor));
      break;
    case Element::kInt32:
      made.values = SW_TRY(Integers<std::int32_t>(rows, tensor));
      break;
    case Element::kBool:
      made.values = SW_TRY(Integers<std::uint8_t>(rows, tensor));
      break;
    case Element::kString:
      made.values = SW_TRY(Texts(rows, tensor));
      break;
    case Element::kNone:
      return Internal("an input of no type was planned");
  }
  return made;
}

// ---- Outputs ----

bool IsFloating(const OnnxValue& value) {
  return value.element == Element::kFloat || value.element == Element::kDouble;
}

bool IsLabel(const OnnxValue& value) {
  return value.element == Element::kInt64 || value.element == Element::kString;
}

bool NamesProbability(const OnnxValue& value) {
  std::string name = value.name;
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.contains("prob");
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
Status Probe(const OnnxSession& session, OnnxPlan& plan) {
  std::vector<OnnxTensor> inputs;
  std::vector<data::Column> zeros;
  for (const InputTensor& tensor : plan.inputs) {
    const bool is_text = tensor.element == Element::kString;
    for (std::size_t i = 0; i < tensor.count; ++i) {
      data::Column& column = zeros.emplace_back(is_text ? data::Type::kString : data::Type::kInt64);
      is_text ? column.AppendString("") : column.AppendInt(0);
    }
  }
  std::vector<const data::Column*> columns;
  for (const data::Column& column : zeros) columns.push_back(&column);
  const Rows rows{.columns = columns, .names = plan.columns, .from = 0, .count = kProbeRows};
  for (const InputTensor& tensor : plan.inputs) inputs.push_back(SW_TRY(MakeTensor(rows, tensor)));
  std::vector<std::size_t> wanted;
  for (const OutputTensor& output : plan.outputs) wanted.push_back(output.place);
  const auto answers = session.Run(inputs, wanted);
  if (!answers && answers.error().code == ErrorCode::kDeadlineExceeded) {
    return std::unexpected(answers.error());
  }
  const auto is_open = [](const OutputTensor& output) { return output.count == 0; };
  if (!answers && std::ranges::none_of(plan.outputs, is_open)) return Ok();
  if (!answers) {
    return InvalidArgument(
        "ONNX: the model does not say how many values its outputs have, and a row of zeros does "
        "not score; "
        "export it with their sizes ({})",
        answers.error().message);
  }
  for (std::size_t i = 0; i < answers->size(); ++i)
    plan.outputs[i].count = (*answers)[i].values.size();
  return Ok();
}

Status PlanOutputs(const OnnxSession& session, const OnnxOutline& outline, OnnxPlan& plan) {
  const std::vector<OnnxValue>& outputs = session.outputs();
  const auto any = [&](auto is) { return std::ranges::any_of(outputs, is); };
  const bool is_floating = any(IsFloating);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (is_floating ? IsFloating(outputs[i]) : outputs[i].IsNumber())
      plan.outputs.push_back({.place = i});
  }
  if (plan.outputs.empty())
    return InvalidArgument("ONNX: no output of the model is a tensor of numbers");
  for (OutputTensor& output : plan.outputs) {
    output.count = ValuesARow(outputs[output.place].shape).value_or(0);
  }
  SW_TRY(Probe(session, plan));
  const OnnxValue& first = outputs[plan.outputs[0].place];
  const bool is_probability = NamesProbability(first) || !outline.zip_maps.empty();
  const bool is_classifier =
      plan.outputs.size() == 1 && is_floating && is_probability && any(IsLabel);
  for (OutputTensor& output : plan.outputs) {
    if (output.count == 0 || output.count > kOnnxColumnsMax) {
      return InvalidArgument("ONNX: the output {} has {} values a row; 1 to {} are read",
                             outputs[output.place].name, output.count, kOnnxColumnsMax);
    }
    const bool is_binary = is_classifier && output.count == 2;
    output.from = is_binary ? 1 : 0;
    output.take = is_binary ? 1 : output.count;
  }
  return Ok();
}

class OnnxEngine final : public Engine {
 public:
  OnnxEngine(std::unique_ptr<const OnnxSession> session, OnnxPlan plan)
      : session_(std::move(session)), plan_(std::move(plan)) {
    for (const OutputTensor& output : plan_.outputs) {
      wanted_.push_back(output.place);
      width_ += output.take;
    }
  }

  const std::vector<std::string>& inputs() const override { return plan_.columns; }
  Exactness exactness() const override { return Exactness::kEngine; }
  std::size_t outputs(Output) const override { return width_; }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    if (output == Output::kRaw)
      return Unimplemented("an ONNX model has no raw scores, only what its outputs are");
    const auto columns = SW_TRY(FindColumns(rows));
    for (std::size_t from = 0; from < rows.num_rows(); from += plan_.rows_a_run) {
      const Rows part{.columns = columns,
                      .names = plan_.columns,
                      .from = from,
                      .count = std::min(plan_.rows_a_run, rows.num_rows() - from)};
      SW_TRY(ScorePart(part, scores.subspan(from * width_, part.count * width_)));
    }
    return Ok();
  }

  Json Describe() const override {
    return Json::MakeObject({{"engine", "onnxruntime"},
                             {"version", session_->version()},
                             {"why", "ONNX models are scored by ONNX Runtime, one thread a call"}});
  }

 private:
  Result<std::vector<const data::Column*>> FindColumns(const data::Batch& rows) const {
    std::vector<const data::Column*> columns;
    for (const InputTensor& tensor : plan_.inputs) {
      for (std::size_t i = tensor.first; i < tensor.first + tensor.count; ++i) {
        columns.push_back(SW_TRY(rows.Get(plan_.columns[i], "the model's input")));
        SW_TRY(CheckType(plan_.columns[i], *columns.back(), tensor.element));
      }
    }
    return columns;
  }

  Status ScorePart(const Rows& part, std::span<double> scores) const {
    std::vector<OnnxTensor> tensors;
    for (const InputTensor& tensor : plan_.inputs)
      tensors.push_back(SW_TRY(MakeTensor(part, tensor)));
    const auto answers = SW_TRY(session_->Run(tensors, wanted_));
    std::size_t at = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const OutputTensor& output = plan_.outputs[i];
      if (answers[i].values.size() != part.count * output.count) {
        return FailedPrecondition(
            "ONNX: {} rows gave {} values of the output {}, expected {} a row", part.count,
            answers[i].values.size(), session_->outputs()[output.place].name, output.count);
      }
      for (std::size_t row = 0; row < part.count; ++row) {
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
  OnnxPlan plan_;
  std::vector<std::size_t> wanted_;
  std::size_t width_ = 0;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeOnnxEngine(std::string_view model, const OnnxOptions& options) {
  if (model.size() > kOnnxBytesMax) {
    return InvalidArgument("ONNX: the model has {} bytes; {} are the limit", model.size(),
                           kOnnxBytesMax);
  }
  const OnnxOutline outline = SW_TRY(ReadOnnxOutline(model));
  // Maps would cost an allocation a row and class: the tensor that they are made of is asked for.
  std::string with_tensors;
  for (const OnnxOutline::ZipMap& zip_map : outline.zip_maps) {
    with_tensors = WithOnnxOutput(with_tensors.empty() ? model : std::string_view(with_tensors),
                                  zip_map.input);
  }
  auto session =
      SW_TRY(OnnxSession::Open(with_tensors.empty() ? model : with_tensors,
                               {.library = options.library, .run_limit = options.run_limit}));
  OnnxPlan plan;
  SW_TRY(PlanInputs(*session, SW_TRY(DeclaredNames(outline)), options.columns, plan));
  SW_TRY(PlanOutputs(*session, outline, plan));
  return std::make_unique<OnnxEngine>(std::move(session), std::move(plan));
}

}  // namespace sw::model
