#include "api/feast/pages.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <tuple>

#include "base/clock.h"
#include "base/text.h"

namespace sw::feast {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Orders as Feast's: without a value first, then numbers among themselves, then texts.
struct Key {
  bool has_value = false;
  double number = 0;
  std::string text;
  auto Tie() const { return std::tie(text, has_value, number); }
};

Key KeyOf(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  Key key{.has_value = true, .number = 0, .text = {}};
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: key.text = base::ToLower(reflection.GetString(message, &field)); break;
    case FieldDescriptor::CPPTYPE_INT32: key.number = reflection.GetInt32(message, &field); break;
    case FieldDescriptor::CPPTYPE_INT64: key.number = static_cast<double>(reflection.GetInt64(message, &field)); break;
    case FieldDescriptor::CPPTYPE_BOOL: key.number = reflection.GetBool(message, &field) ? 1 : 0; break;
    case FieldDescriptor::CPPTYPE_ENUM: key.text = base::ToLower(reflection.GetEnum(message, &field)->name()); break;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (reflection.HasField(message, &field) && field.message_type() == google::protobuf::Timestamp::descriptor()) {
        const auto& stamp = static_cast<const google::protobuf::Timestamp&>(reflection.GetMessage(message, &field));
        key.number = static_cast<double>(stamp.seconds()) + stamp.nanos() * 1e-9;
        break;
      }
      return {};
    default: return {};
  }
  return key;
}

// Python's objects are flat; the messages keep most of it in `spec` and the times in `meta`.
Key FindKey(const Message& message, std::string_view attribute) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  const std::size_t dot = attribute.find('.');
  const FieldDescriptor* field = type.FindFieldByName(std::string(attribute.substr(0, dot)));
  if (field != nullptr && field->is_repeated()) return {};
  if (field != nullptr && dot == attribute.npos) return KeyOf(message, *field);
  if (field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return FindKey(message.GetReflection()->GetMessage(message, field), attribute.substr(dot + 1));
  }
  // A view of any kind is the one that is set.
  if (type.oneof_decl_count() == 1 && type.oneof_decl(0)->name() == "any_feature_view") {
    const FieldDescriptor* kind = message.GetReflection()->GetOneofFieldDescriptor(message, type.oneof_decl(0));
    return kind == nullptr ? Key() : FindKey(message.GetReflection()->GetMessage(message, kind), attribute);
  }
  for (const char* part : {"spec", "meta"}) {
    const FieldDescriptor* inner = type.FindFieldByName(part);
    if (inner == nullptr || inner->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    Key key = FindKey(message.GetReflection()->GetMessage(message, inner), attribute);
    if (key.has_value) return key;
  }
  return {};
}

}  // namespace

void SortBy(std::vector<const Message*>& objects, std::string_view attribute, bool is_descending) {
  attribute = base::Trimmed(attribute);
  if (attribute.empty()) return;
  std::vector<std::pair<Key, const Message*>> keyed;
  for (const Message* object : objects) keyed.emplace_back(FindKey(*object, attribute), object);
  std::ranges::stable_sort(keyed, [&](const auto& a, const auto& b) {
    return is_descending ? b.first.Tie() < a.first.Tie() : a.first.Tie() < b.first.Tie();
  });
  std::ranges::transform(keyed, objects.begin(), [](const auto& one) { return one.second; });
}

Page CutPage(std::size_t count, const ::feast::registry::PaginationParams& pagination, ::feast::registry::PaginationMetadata& metadata) {
  metadata.Clear();
  if (count == 0) return {};
  metadata.set_total_count(static_cast<std::int32_t>(count));
  metadata.set_total_pages(1);
  if (pagination.page() <= 0 || pagination.limit() <= 0) return {.first = 0, .end = count};
  const auto limit = static_cast<std::size_t>(pagination.limit());
  const auto page = static_cast<std::size_t>(pagination.page());
  const std::size_t pages = (count + limit - 1) / limit;
  metadata.set_page(pagination.page());
  metadata.set_limit(pagination.limit());
  metadata.set_total_pages(static_cast<std::int32_t>(pages));
  metadata.set_has_next(page < pages);
  metadata.set_has_previous(page > 1);
  return {.first = std::min(count, (page - 1) * limit), .end = std::min(count, page * limit)};
}

}  // namespace sw::feast
