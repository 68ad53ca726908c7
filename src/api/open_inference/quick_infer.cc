#include "api/open_inference/quick_infer.h"

#include <cmath>
#include <utility>
#include <vector>

#include "api/wire/tensor.h"
#include "base/json_cursor.h"

namespace sw::open_inference {
namespace {

using base::JsonCursor;
using base::JsonNumber;

constexpr std::int64_t kRowsMax = 1'000'000;

class Reader {
 public:
  Reader(std::string_view body, const std::shared_ptr<const data::Schema>& request)
      : cursor_(body), quick_{{}, data::Batch(request)}, is_filled_(request->fields.size()) {}

  std::optional<QuickRequest> Read() {
    if (!cursor_.Take('{')) return std::nullopt;
    bool has_id = false, has_inputs = false;
    do {
      std::string_view key;
      if (!cursor_.TakeString(&key, &scratch_) || !cursor_.Take(':')) return std::nullopt;
      if (key == "id" && !std::exchange(has_id, true)) {
        std::string_view id;
        if (!cursor_.TakeString(&id, &scratch_)) return std::nullopt;
        quick_.id = id;
      } else if (key != "inputs" || std::exchange(has_inputs, true) || !ReadInputs()) {
        return std::nullopt;
      }
    } while (cursor_.Take(','));
    if (!cursor_.Take('}') || !cursor_.AtEnd() || !has_inputs) return std::nullopt;
    for (const std::uint8_t filled : is_filled_) {
      if (filled == 0) return std::nullopt;
    }
    return std::move(quick_);
  }

 private:
  struct Input {
    bool is_matrix = false;
    std::size_t column = 0;
    wire::DataType type = wire::DataType::kFp64;
    std::vector<std::int64_t> shape;
    bool has_name = false, has_type = false;
  };

  bool ReadInputs() {
    if (!cursor_.Take('[')) return false;
    do {
      if (has_matrix_ || !ReadInput()) return false;
    } while (cursor_.Take(','));
    return cursor_.Take(']');
  }

  bool ReadInput() {
    Input input;
    if (!cursor_.Take('{')) return false;
    do {
      std::string_view key, text;
      if (!cursor_.TakeString(&key, &scratch_) || !cursor_.Take(':')) return false;
      if (key == "data") return IsComplete(input) && ReadData(input) && cursor_.Take('}');
      if (key == "name" && !std::exchange(input.has_name, true)) {
        if (!cursor_.TakeString(&text, &scratch_) || !FindColumn(text, input)) return false;
      } else if (key == "datatype" && !std::exchange(input.has_type, true)) {
        if (!cursor_.TakeString(&text, &scratch_)) return false;
        const auto type = wire::ParseDataType(text);
        if (!type) return false;
        input.type = *type;
      } else if (key != "shape" || !input.shape.empty() || !ReadShape(input)) {
        return false;
      }
    } while (cursor_.Take(','));
    return false;  // without data
  }

  bool FindColumn(std::string_view name, Input& input) {
    if (const auto column = quick_.rows.schema().Find(name)) {
      input.column = *column;
      return std::exchange(is_filled_[*column], 1) == 0;
    }
    input.is_matrix = has_matrix_ = wire::IsMatrixName(name) && !std::exchange(has_input_, true);
    is_filled_.assign(is_filled_.size(), 1);
    return input.is_matrix;
  }

  bool ReadShape(Input& input) {
    if (!cursor_.Take('[')) return false;
    do {
      JsonNumber size;
      if (!cursor_.TakeNumber(&size) || !size.is_int || size.integer < 0 || size.integer > kRowsMax || input.shape.size() == 2) return false;
      input.shape.push_back(size.integer);
    } while (cursor_.Take(','));
    return cursor_.Take(']');
  }

  // And all that is known of the request so far agrees.
  bool IsComplete(const Input& input) {
    if (!input.has_name || !input.has_type || input.shape.empty()) return false;
    const auto width = static_cast<std::int64_t>(quick_.rows.num_columns());
    if (input.is_matrix && (input.shape.size() != 2 || input.shape[1] != width)) return false;
    if (!input.is_matrix && input.shape.size() == 2 && input.shape[1] != 1) return false;
    if (rows_ < 0) rows_ = input.shape[0];
    has_input_ = true;
    return rows_ == input.shape[0];
  }

  bool ReadData(const Input& input) {
    const std::size_t width = input.is_matrix ? quick_.rows.num_columns() : 1;
    const std::size_t count = static_cast<std::size_t>(rows_) * width;
    if (!cursor_.Take('[') || count == 0) return false;
    const bool is_nested = cursor_.Peek() == '[';
    for (std::size_t i = 0; i < count; ++i) {
      const bool begins_row = is_nested && i % width == 0;
      if (i > 0 && !cursor_.Take(',')) return false;
      if (begins_row && !cursor_.Take('[')) return false;
      if (!ReadValue(input.type, quick_.rows.column(input.is_matrix ? i % width : input.column))) return false;
      if (is_nested && i % width == width - 1 && !cursor_.Take(']')) return false;
    }
    return cursor_.Take(']');
  }

  bool ReadValue(wire::DataType type, data::Column& column) {
    if (cursor_.Peek() == 'n') {
      column.AppendNull();
      return cursor_.TakeWord("null");
    }
    if (column.type() == data::Type::kString && type == wire::DataType::kBytes) {
      std::string_view text;
      if (!cursor_.TakeString(&text, &scratch_)) return false;
      column.AppendString(text);
      return true;
    }
    JsonNumber number;
    if (!cursor_.TakeNumber(&number)) return false;
    if (column.type() == data::Type::kInt64 && type == wire::DataType::kInt64 && number.is_int) {
      column.AppendInt(number.integer);
      return true;
    }
    if (column.type() != data::Type::kFloat64) return false;
    const double value = number.AsDouble();
    if (type == wire::DataType::kFp64) {
      column.AppendDouble(value);
      return true;
    }
    const auto rounded = static_cast<float>(value);
    if (type != wire::DataType::kFp32 || std::isinf(rounded)) return false;
    column.AppendDouble(static_cast<double>(rounded));
    return true;
  }

  JsonCursor cursor_;
  QuickRequest quick_;
  std::vector<std::uint8_t> is_filled_;
  std::string scratch_;
  std::int64_t rows_ = -1;   // of the first input
  bool has_input_ = false;
  bool has_matrix_ = false;  // which is the only input
};

}  // namespace

std::optional<QuickRequest> QuickRows(std::string_view body, const std::shared_ptr<const data::Schema>& request) {
  return Reader(body, request).Read();
}

}  // namespace sw::open_inference
