#include "model/engines/onnx_inputs.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/errors.h"
#include "model/engines/columns.h"

namespace sw::model {
namespace {

using Element = OnnxValue::Element;

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const std::int64_t size : shape) sizes.push_back(size < 0 ? "N" : std::to_string(size));
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

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

void AppendNames(const OnnxValue& input, const OnnxInputs::Tensor& tensor,
                 std::vector<std::string>& names) {
  if (tensor.count == 1) return names.push_back(input.name);
  for (std::size_t i = 0; i < tensor.count; ++i)
    names.push_back(fmt::format("{}_{}", input.name, i));
}

// The number of columns of each input. The one that the model may leave open has what the names that
// are given for all leave to it.
Result<std::vector<std::size_t>> CountAllColumns(const std::vector<OnnxValue>& inputs,
                                                 std::size_t names, std::size_t& rows_a_run) {
  std::vector<std::size_t> counts;
  std::optional<std::size_t> open;
  std::size_t known = 0;
  bool is_told = true;
  for (const OnnxValue& input : inputs) {
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
std::vector<T> Numbers(const Rows& rows, const OnnxInputs::Tensor& tensor) {
  std::vector<T> values(rows.count * tensor.count);
  const auto fill = [&](std::size_t place, auto value) {
    for (std::size_t r = 0; r < rows.count; ++r) {
      values[r * tensor.count + place] = static_cast<T>(value(rows.from + r));
    }
  };
  for (std::size_t c = 0; c < tensor.count; ++c) {
    const data::Column& column = *rows.columns[tensor.first + c];
    if (column.type() == data::Type::kFloat64) {  // the slot of a null holds NaN
      fill(c, [from = column.doubles().data()](std::size_t row) { return from[row]; });
    } else {
      fill(c, [&](std::size_t row) { return column.AsDouble(row); });
    }
  }
  return values;
}

template <typename T>
Result<std::vector<T>> Integers(const Rows& rows, const OnnxInputs::Tensor& tensor) {
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

Result<std::vector<std::string>> Texts(const Rows& rows, const OnnxInputs::Tensor& tensor) {
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

Result<OnnxTensor> MakeTensor(const Rows& rows, const OnnxInputs::Tensor& tensor) {
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

}  // namespace

Result<OnnxInputs> OnnxInputs::Make(const std::vector<OnnxValue>& inputs,
                                    const OnnxOutline& outline,
                                    const std::vector<std::string>& given_names) {
  OnnxInputs made;
  auto declared = SW_TRY(DeclaredNames(outline));
  const std::size_t names = std::max(declared.size(), given_names.size());
  const auto counts = SW_TRY(CountAllColumns(inputs, names, made.rows_a_run_));
  std::vector<std::string> own;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    made.tensors_.push_back({.element = inputs[i].element,
                             .is_matrix = inputs[i].shape.size() == 2,
                             .first = own.size(),
                             .count = counts[i]});
    AppendNames(inputs[i], made.tensors_.back(), own);
  }
  own = SW_TRY(ChooseNames(std::move(own), std::move(declared)));
  made.columns_ = SW_TRY(ChooseNames(std::move(own), given_names));
  const std::set<std::string_view> unique(made.columns_.begin(), made.columns_.end());
  if (unique.size() == made.columns_.size()) return made;
  return InvalidArgument("ONNX: two of the model's columns have one name");
}

Result<std::vector<const data::Column*>> OnnxInputs::Find(const data::Batch& rows) const {
  std::vector<const data::Column*> columns;
  for (const Tensor& tensor : tensors_) {
    for (std::size_t i = tensor.first; i < tensor.first + tensor.count; ++i) {
      columns.push_back(SW_TRY(rows.Get(columns_[i], "the model's input")));
      SW_TRY(CheckType(columns_[i], *columns.back(), tensor.element));
    }
  }
  return columns;
}

Result<std::vector<OnnxTensor>> OnnxInputs::Tensors(const std::vector<const data::Column*>& columns,
                                                    std::size_t from, std::size_t count) const {
  const Rows rows{.columns = columns, .names = columns_, .from = from, .count = count};
  std::vector<OnnxTensor> made;
  for (const Tensor& tensor : tensors_) made.push_back(SW_TRY(MakeTensor(rows, tensor)));
  return made;
}

Result<std::vector<OnnxTensor>> OnnxInputs::Zeros() const {
  std::vector<data::Column> zeros;
  for (const Tensor& tensor : tensors_) {
    const bool is_text = tensor.element == Element::kString;
    for (std::size_t i = 0; i < tensor.count; ++i) {
      data::Column& zero = zeros.emplace_back(is_text ? data::Type::kString : data::Type::kInt64);
      is_text ? zero.AppendString("") : zero.AppendInt(0);
    }
  }
  std::vector<const data::Column*> columns;
  for (const data::Column& zero : zeros) columns.push_back(&zero);
  return Tensors(columns, 0, 1);
}

}  // namespace sw::model
