#include "model/formats/onnx.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>

#include "base/errors.h"
#include "model/formats/protobuf_wire.h"

namespace sw::model {
namespace {

constexpr int kDepthMax = 64;  // of messages in messages; a real If in a Loop needs about 12

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
constexpr std::uint64_t kGraphOutput = 12, kValueInfoName = 1;
constexpr std::uint64_t kTensorRawData = 9, kTensorExternalData = 13, kTensorDataLocation = 14;

bool IsExternal(const WireField& field) {
  return field.number == kTensorExternalData ||
         (field.number == kTensorDataLocation && field.value != 0);
}

std::unexpected<Error> CutOff() {
  return InvalidArgument(
      "ONNX: the bytes end within a field; the file is cut off or no ONNX model");
}

std::unexpected<Error> TooDeep() {
  return InvalidArgument("ONNX: messages are nested deeper than {}", kDepthMax);
}

// Key and value of a StringStringEntryProto; what is malformed stays empty.
std::pair<std::string, std::string> ReadEntry(std::string_view bytes) {
  std::pair<std::string, std::string> entry;
  Wire wire(bytes);
  while (const auto field = wire.Next()) {
    if (field->number == 1) entry.first = field->bytes;
    if (field->number == 2) entry.second = field->bytes;
  }
  return entry;
}

const Child* FindChild(Message parent, std::uint64_t field) {
  for (const Child& child : kChildren) {
    if (child.parent == parent && child.field == field) return &child;
  }
  return nullptr;
}

class OutlineReader {
 public:
  Status Read(Message message, std::string_view bytes, int depth) {
    if (depth > kDepthMax) return TooDeep();
    Wire wire(bytes);
    while (!wire.AtEnd()) {
      const auto field = wire.Next();
      if (!field) return CutOff();
      if (message == Message::kTensor) SW_TRY(CheckTensor(*field));
      if (field->type != WireType::kBytes) continue;
      if (message == Message::kModel && field->number == kModelMetadata)
        outline.metadata.push_back(ReadEntry(field->bytes));
      if (message == Message::kGraph && depth == 1 && field->number == kGraphOutput) {
        outline.outputs.push_back(ReadEntry(field->bytes).first);  // its name is field 1 too
      }
      const Child* child = FindChild(message, field->number);
      if (child == nullptr) continue;
      // Of the main graph only, which is the model's own.
      if (child->child == Message::kNode && message == Message::kGraph && depth == 1)
        FindZipMap(field->bytes);
      SW_TRY(Read(child->child, field->bytes, depth + 1));
    }
    return Ok();
  }

  OnnxOutline outline;

 private:
  static Status CheckTensor(const WireField& field) {
    if (!IsExternal(field)) return Ok();
    return InvalidArgument(
        "ONNX: a tensor's values are in another file (external data), which is not opened here; "
        "save the model as one file: onnx.save(onnx.load(PATH), NEW_PATH)");
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

// Writes a model anew, with the tensors of other files inside.
class TensorInliner {
 public:
  explicit TensorInliner(const ReadTensorFile& read) : read_(read) {}

  Result<std::string> Rebuild(Message message, std::string_view bytes, int depth) {
    if (depth > kDepthMax) return TooDeep();
    std::string out;
    Wire wire(bytes);
    while (!wire.AtEnd()) {
      const auto field = wire.Next();
      if (!field) return CutOff();
      const bool is_bytes = field->type == WireType::kBytes;
      const Child* child = is_bytes ? FindChild(message, field->number) : nullptr;
      if (child == nullptr) {
        out += field->raw;
        continue;
      }
      const std::string inner =
          SW_TRY(child->child == Message::kTensor ? RebuildTensor(field->bytes)
                                                  : Rebuild(child->child, field->bytes, depth + 1));
      out += BytesField(field->number, inner);
    }
    return out;
  }

 private:
  Result<std::string> RebuildTensor(std::string_view bytes) {
    std::string out;
    std::map<std::string, std::string> entries;
    bool is_external = false;
    Wire wire(bytes);
    while (!wire.AtEnd()) {
      const auto field = wire.Next();
      if (!field) return CutOff();
      is_external = is_external || IsExternal(*field);
      if (field->number == kTensorExternalData) entries.insert(ReadEntry(field->bytes));
      const bool is_kept = field->number != kTensorExternalData &&
                           field->number != kTensorDataLocation && field->number != kTensorRawData;
      if (is_kept) out += field->raw;
    }
    if (!is_external) return std::string(bytes);
    return out + BytesField(kTensorRawData, SW_TRY(ReadValues(entries)));
  }

  Result<std::string_view> ReadValues(const std::map<std::string, std::string>& entries) {
    const auto location = entries.find("location");
    if (location == entries.end()) return InvalidArgument("ONNX: a tensor of no file");
    auto file = files_.find(location->second);
    if (file == files_.end()) {
      file = files_.emplace(location->second, SW_TRY(read_(location->second))).first;
    }
    const std::size_t size = file->second.size();
    const std::size_t offset = SW_TRY(ReadNumber(entries, "offset", 0));
    const std::size_t length =
        SW_TRY(ReadNumber(entries, "length", offset <= size ? size - offset : 0));
    if (offset > size || length > size - offset) {
      return InvalidArgument("ONNX: a tensor has {} bytes from {} on of {}, which has {}", length,
                             offset, location->second, size);
    }
    inlined_ += length;
    if (inlined_ > kOnnxBytesMax) return TooLarge();
    return std::string_view(file->second).substr(offset, length);
  }

  static std::unexpected<Error> TooLarge() {
    return ResourceExhausted("ONNX: the tensors in other files have more than {} bytes",
                             kOnnxBytesMax);
  }

  static Result<std::size_t> ReadNumber(const std::map<std::string, std::string>& entries,
                                        const std::string& key, std::size_t absent) {
    const auto entry = entries.find(key);
    if (entry == entries.end()) return absent;
    const std::string& text = entry->second;
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return value;
    return InvalidArgument("ONNX: a tensor's {} in another file is \"{}\", no number", key, text);
  }

  const ReadTensorFile& read_;
  std::map<std::string, std::string> files_;
  std::size_t inlined_ = 0;
};

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

Result<std::string> WithOnnxTensors(std::string_view model, const ReadTensorFile& read) {
  return TensorInliner(read).Rebuild(Message::kModel, model, 0);
}

std::string WithOnnxOutputs(std::string_view model, const std::vector<std::string>& tensors) {
  // Two occurrences of a message field are read as one, merged; repeated fields in it are appended.
  std::string graph;
  for (const std::string& tensor : tensors) {
    graph += BytesField(kGraphOutput, BytesField(kValueInfoName, tensor));
  }
  return std::string(model) + BytesField(kModelGraph, graph);
}

}  // namespace sw::model
