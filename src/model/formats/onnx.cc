#include "model/formats/onnx.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/errors.h"

namespace sw::model {
namespace {

constexpr int kDepthMax = 64;  // of messages in messages; a real If in a Loop needs about 12

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint64_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;  // kVarint
  std::string_view bytes;   // kBytes
};

// One message's fields, in the order of the bytes.
class Wire {
 public:
  explicit Wire(std::string_view bytes) : left_(bytes) {}

  bool AtEnd() const { return left_.empty(); }

  // Nothing when the bytes end within a field, or hold a kind of field that proto3 lacks.
  std::optional<WireField> Next() {
    const auto tag = Varint();
    if (!tag || *tag >> 3 == 0) return {};
    WireField field{
        .number = *tag >> 3, .type = static_cast<WireType>(*tag & 7), .value = 0, .bytes = {}};
    switch (field.type) {
      case WireType::kVarint: {
        const auto value = Varint();
        if (!value) return {};
        field.value = *value;
        return field;
      }
      case WireType::kFixed64:
        return Skip(8) ? std::optional(field) : std::nullopt;
      case WireType::kFixed32:
        return Skip(4) ? std::optional(field) : std::nullopt;
      case WireType::kBytes: {
        const auto size = Varint();
        if (!size || *size > left_.size()) return {};
        field.bytes = left_.substr(0, *size);
        left_.remove_prefix(*size);
        return field;
      }
    }
    return {};
  }

 private:
  std::optional<std::uint64_t> Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<std::uint8_t>(left_.front());
      left_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return {};
  }

  bool Skip(std::size_t size) {
    if (size > left_.size()) return false;
    left_.remove_prefix(size);
    return true;
  }

  std::string_view left_;
};

enum class Message : std::uint8_t {
  kModel,
  kGraph,
  kNode,
  kAttribute,
  kTensor,
  kSparseTensor,
  kFunction,
  kTraining
};

struct Child {
  Message parent;
  std::uint64_t field;
  Message child;
};

// Every path of onnx.proto that can lead to a tensor.
constexpr std::array kChildren = {
    Child{Message::kModel, 7, Message::kGraph},
    Child{Message::kModel, 20, Message::kTraining},
    Child{Message::kModel, 25, Message::kFunction},
    Child{Message::kTraining, 1, Message::kGraph},
    Child{Message::kTraining, 2, Message::kGraph},
    Child{Message::kGraph, 1, Message::kNode},
    Child{Message::kGraph, 5, Message::kTensor},
    Child{Message::kGraph, 15, Message::kSparseTensor},
    Child{Message::kFunction, 7, Message::kNode},
    Child{Message::kFunction, 11, Message::kAttribute},
    Child{Message::kNode, 5, Message::kAttribute},
    Child{Message::kAttribute, 5, Message::kTensor},
    Child{Message::kAttribute, 6, Message::kGraph},
    Child{Message::kAttribute, 10, Message::kTensor},
    Child{Message::kAttribute, 11, Message::kGraph},
    Child{Message::kAttribute, 22, Message::kSparseTensor},
    Child{Message::kAttribute, 23, Message::kSparseTensor},
    Child{Message::kSparseTensor, 1, Message::kTensor},
    Child{Message::kSparseTensor, 2, Message::kTensor},
};

constexpr std::uint64_t kModelMetadata = 14, kModelGraph = 7;
constexpr std::uint64_t kGraphOutput = 12;
constexpr std::uint64_t kTensorExternalData = 13, kTensorDataLocation = 14;

const Child* FindChild(Message parent, std::uint64_t field) {
  for (const Child& child : kChildren) {
    if (child.parent == parent && child.field == field) return &child;
  }
  return nullptr;
}

class OutlineReader {
 public:
  Status Read(Message message, std::string_view bytes, int depth) {
    if (depth > kDepthMax)
      return InvalidArgument("ONNX: messages are nested deeper than {}", kDepthMax);
    Wire wire(bytes);
    while (!wire.AtEnd()) {
      const auto field = wire.Next();
      if (!field)
        return InvalidArgument(
            "ONNX: the bytes end within a field; the file is cut off or no ONNX model");
      if (message == Message::kTensor) SW_TRY(CheckTensor(*field));
      if (field->type != WireType::kBytes) continue;
      if (message == Message::kModel && field->number == kModelMetadata)
        outline.metadata.push_back(Metadata(field->bytes));
      const Child* child = FindChild(message, field->number);
      if (child == nullptr) continue;
      // The main graph's nodes are three messages deep: the model, its graph, the node.
      if (child->child == Message::kNode && message == Message::kGraph && depth == 1)
        FindZipMap(field->bytes);
      SW_TRY(Read(child->child, field->bytes, depth + 1));
    }
    return Ok();
  }

  OnnxOutline outline;

 private:
  static Status CheckTensor(const WireField& field) {
    const bool is_external = field.number == kTensorExternalData ||
                             (field.number == kTensorDataLocation && field.value != 0);
    if (!is_external) return Ok();
    return InvalidArgument(
        "ONNX: a tensor's values are in another file (external data), which is not opened; save "
        "the model as one file: "
        "onnx.save(onnx.load(PATH), NEW_PATH)");
  }

  // Key and value of a StringStringEntryProto; what is malformed stays empty.
  static std::pair<std::string, std::string> Metadata(std::string_view bytes) {
    std::pair<std::string, std::string> entry;
    Wire wire(bytes);
    while (const auto field = wire.Next()) {
      if (field->number == 1) entry.first = field->bytes;
      if (field->number == 2) entry.second = field->bytes;
    }
    return entry;
  }

  void FindZipMap(std::string_view node) {
    OnnxOutline::ZipMap found;
    std::string_view operation;
    Wire wire(node);
    while (const auto field = wire.Next()) {
      if (field->number == 1) found.input = field->bytes;
      if (field->number == 2) found.output = field->bytes;
      if (field->number == 4) operation = field->bytes;
    }
    if (operation == "ZipMap") outline.zip_maps.push_back(std::move(found));
  }
};

void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::string BytesField(std::uint64_t number, std::string_view bytes) {
  std::string out;
  AppendVarint(out, number << 3 | static_cast<std::uint64_t>(WireType::kBytes));
  AppendVarint(out, bytes.size());
  return out.append(bytes);
}

}  // namespace

const std::string* OnnxOutline::FindMetadata(std::string_view key) const {
  for (const auto& [name, value] : metadata) {
    if (name == key) return &value;
  }
  return nullptr;
}

bool LooksLikeOnnx(std::string_view bytes) {
  // Writers put ir_version (field 1, a varint) first; field 2 or 3 (producer) or 8 (opset_import)
  // follows, all of bytes.
  Wire wire(bytes);
  const auto version = wire.Next();
  if (!version || version->number != 1 || version->type != WireType::kVarint ||
      version->value == 0 || version->value > 1000) {
    return false;
  }
  const auto next = wire.Next();
  return next && next->number <= 25 &&
         (next->type == WireType::kBytes || next->type == WireType::kVarint);
}

Result<OnnxOutline> ReadOnnxOutline(std::string_view bytes) {
  OutlineReader reader;
  SW_TRY(reader.Read(Message::kModel, bytes, 0));
  return std::move(reader.outline);
}

std::string WithOnnxOutput(std::string_view model, std::string_view tensor) {
  // Two occurrences of a message field are read as one, merged; repeated fields in it are appended.
  const std::string value_info = BytesField(1, tensor);
  return std::string(model) + BytesField(kModelGraph, BytesField(kGraphOutput, value_info));
}

}  // namespace sw::model
