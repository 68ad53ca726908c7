#include "feast/view_changes.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/text.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;
using google::protobuf::util::MessageDifferencer;

// Without what the registry adds.
void KeepDefinition(core::DataSource& source) {
  source.clear_project();
  source.clear_meta();
  source.clear_data_source_class_type();
  if (source.has_batch_source()) KeepDefinition(*source.mutable_batch_source());
}

void KeepSourceText(std::string_view body_text, std::string* body) {
  if (!body_text.empty()) body->clear();
}

void KeepDefinition(core::FeatureTransformationV2& transformation) {
  if (!transformation.has_user_defined_function()) return;
  core::UserDefinedFunctionV2& function = *transformation.mutable_user_defined_function();
  KeepSourceText(function.body_text(), function.mutable_body());
  function.clear_name();
}

template <typename Spec>
void KeepTransformation(Spec& spec) {
  if (spec.has_feature_transformation()) KeepDefinition(*spec.mutable_feature_transformation());
  if constexpr (requires { spec.has_user_defined_function(); }) {
    if (spec.has_user_defined_function()) {
      KeepSourceText(spec.user_defined_function().body_text(), spec.mutable_user_defined_function()->mutable_body());
      spec.mutable_user_defined_function()->clear_name();
    }
  }
}

void KeepDefinition(core::FeatureViewSpec& spec) {
  spec.clear_project();
  spec.clear_version();
  if (spec.has_batch_source()) KeepDefinition(*spec.mutable_batch_source());
  if (spec.has_stream_source()) KeepDefinition(*spec.mutable_stream_source());
  KeepTransformation(spec);
  for (core::FeatureViewSpec& source : *spec.mutable_source_views()) KeepDefinition(source);
}

void KeepDefinition(core::StreamFeatureViewSpec& spec) {
  spec.clear_project();
  spec.clear_version();
  if (spec.has_batch_source()) KeepDefinition(*spec.mutable_batch_source());
  if (spec.has_stream_source()) KeepDefinition(*spec.mutable_stream_source());
  KeepTransformation(spec);
}

void KeepDefinition(core::OnDemandFeatureViewSpec& spec) {
  spec.clear_project();
  spec.clear_version();
  for (auto& [name, source] : *spec.mutable_sources()) {
    if (source.has_request_data_source()) KeepDefinition(*source.mutable_request_data_source());
    if (!source.has_feature_view_projection()) continue;
    core::FeatureViewProjection& projection = *source.mutable_feature_view_projection();
    if (projection.has_batch_source()) KeepDefinition(*projection.mutable_batch_source());
    if (projection.has_stream_source()) KeepDefinition(*projection.mutable_stream_source());
  }
  KeepTransformation(spec);
}

void KeepDefinition(core::LabelViewSpec& spec) {
  spec.clear_project();
  if (spec.has_source()) KeepDefinition(*spec.mutable_source());
}

template <typename Message>
bool AreSame(Message a, Message b) {
  KeepDefinition(a);
  KeepDefinition(b);
  return MessageDifferencer::Equals(a, b);
}

bool IsSameField(const core::FeatureSpecV2& a, const core::FeatureSpecV2& b) {
  if (a.name() != b.name() || a.value_type() != b.value_type() || a.description() != b.description() || a.vector_length() != b.vector_length()) return false;
  return a.tags().size() == b.tags().size() && std::ranges::all_of(a.tags(), [&](const auto& tag) {
    const auto found = b.tags().find(tag.first);
    return found != b.tags().end() && found->second == tag.second;
  });
}

using Fields = google::protobuf::RepeatedPtrField<core::FeatureSpecV2>;

// In whichever order.
bool AreSameFields(const Fields& a, const Fields& b) {
  const auto sorted = [](const Fields& fields) {
    std::vector<const core::FeatureSpecV2*> sorted_fields;
    for (const core::FeatureSpecV2& field : fields) sorted_fields.push_back(&field);
    std::ranges::stable_sort(sorted_fields, {}, [](const core::FeatureSpecV2* field) -> const std::string& { return field->name(); });
    return sorted_fields;
  };
  return std::ranges::equal(sorted(a), sorted(b), [](const auto* left, const auto* right) { return IsSameField(*left, *right); });
}

bool AreSameNames(const google::protobuf::RepeatedPtrField<std::string>& a, const google::protobuf::RepeatedPtrField<std::string>& b) {
  std::vector<std::string_view> left(a.begin(), a.end());
  std::vector<std::string_view> right(b.begin(), b.end());
  std::ranges::sort(left);
  std::ranges::sort(right);
  return left == right;
}

// What plain and stream views have in common.
template <typename Spec>
bool IsSameSchema(const Spec& a, const Spec& b) {
  return AreSameFields(a.features(), b.features()) && AreSameNames(a.entities(), b.entities()) && AreSameFields(a.entity_columns(), b.entity_columns());
}

// The rest of `from`, once all but what `keep` leaves has been cleared, equals that of `to`.
template <typename Spec, typename Keep>
bool IsSameRest(const Spec& a, const Spec& b, Keep keep) {
  Spec left;
  Spec right;
  keep(a, left);
  keep(b, right);
  return AreSame(std::move(left), std::move(right));
}

template <typename From, typename Into>
void CopyTransformation(const From& from, Into& into) {
  if (from.has_user_defined_function()) *into.mutable_user_defined_function() = from.user_defined_function();
  if (from.has_feature_transformation()) *into.mutable_feature_transformation() = from.feature_transformation();
  *into.mutable_aggregations() = from.aggregations();
  into.set_mode(from.mode());
}

// What every kind of view has.
template <typename View>
void UpdateCommon(View& old_view, const View& view, const google::protobuf::Timestamp& now) {
  auto& spec = *old_view.mutable_spec();
  spec.set_description(view.spec().description());
  *spec.mutable_tags() = view.spec().tags();
  spec.set_owner(view.spec().owner());
  *old_view.mutable_meta()->mutable_last_updated_timestamp() = now;
}

// What all but label views have. A view whose state is not said keeps its own, else an apply would take it offline.
template <typename View>
void UpdateVersioned(View& old_view, const View& view) {
  auto& spec = *old_view.mutable_spec();
  spec.set_version(view.spec().version());
  spec.set_disabled(view.spec().disabled());
  auto& meta = *old_view.mutable_meta();
  if (view.meta().state() != core::STATE_UNSPECIFIED) meta.set_state(view.meta().state());
  meta.set_current_version_number(view.meta().current_version_number());
}

template <typename View>
void UpdateStored(View& old_view, const View& view) {
  auto& spec = *old_view.mutable_spec();
  *spec.mutable_ttl() = view.spec().ttl();
  spec.set_online(view.spec().online());
  spec.set_enable_validation(view.spec().enable_validation());
  if (view.spec().has_batch_source()) *spec.mutable_batch_source() = view.spec().batch_source();
  if (view.spec().has_stream_source()) *spec.mutable_stream_source() = view.spec().stream_source();
}

}  // namespace

bool IsNewVersion(const core::FeatureView& old_view, const core::FeatureView& view) {
  if (!IsSameSchema(old_view.spec(), view.spec())) return true;
  return !IsSameRest(old_view.spec(), view.spec(), [](const core::FeatureViewSpec& from, core::FeatureViewSpec& into) {
    *into.mutable_source_views() = from.source_views();
  });
}

bool IsNewVersion(const core::StreamFeatureView& old_view, const core::StreamFeatureView& view) {
  if (!IsSameSchema(old_view.spec(), view.spec())) return true;
  return !IsSameRest(old_view.spec(), view.spec(), [](const core::StreamFeatureViewSpec& from, core::StreamFeatureViewSpec& into) {
    CopyTransformation(from, into);
    into.set_timestamp_field(from.timestamp_field());
  });
}

bool IsNewVersion(const core::OnDemandFeatureView& old_view, const core::OnDemandFeatureView& view) {
  if (!AreSameFields(old_view.spec().features(), view.spec().features())) return true;
  if (!AreSameFields(old_view.spec().entity_columns(), view.spec().entity_columns())) return true;
  return !IsSameRest(old_view.spec(), view.spec(), [](const core::OnDemandFeatureViewSpec& from, core::OnDemandFeatureViewSpec& into) {
    CopyTransformation(from, into);
    *into.mutable_sources() = from.sources();
  });
}

bool IsNewVersion(const core::LabelView& old_view, const core::LabelView& view) {
  return !AreSameFields(old_view.spec().features(), view.spec().features());
}

bool IsSameDefinition(const core::FeatureView& a, const core::FeatureView& b) { return AreSame(a.spec(), b.spec()); }
bool IsSameDefinition(const core::StreamFeatureView& a, const core::StreamFeatureView& b) { return AreSame(a.spec(), b.spec()); }
bool IsSameDefinition(const core::OnDemandFeatureView& a, const core::OnDemandFeatureView& b) { return AreSame(a.spec(), b.spec()); }
bool IsSameDefinition(const core::LabelView& a, const core::LabelView& b) { return AreSame(a.spec(), b.spec()); }
bool IsSameSource(const core::DataSource& a, const core::DataSource& b) { return AreSame(a, b); }

void UpdateInPlace(core::FeatureView& old_view, const core::FeatureView& view, const google::protobuf::Timestamp& now) {
  UpdateCommon(old_view, view, now);
  UpdateVersioned(old_view, view);
  UpdateStored(old_view, view);
  old_view.mutable_spec()->set_offline(view.spec().offline());
}

void UpdateInPlace(core::StreamFeatureView& old_view, const core::StreamFeatureView& view, const google::protobuf::Timestamp& now) {
  UpdateCommon(old_view, view, now);
  UpdateVersioned(old_view, view);
  UpdateStored(old_view, view);
}

void UpdateInPlace(core::OnDemandFeatureView& old_view, const core::OnDemandFeatureView& view, const google::protobuf::Timestamp& now) {
  UpdateCommon(old_view, view, now);
  UpdateVersioned(old_view, view);
  old_view.mutable_spec()->set_write_to_online_store(view.spec().write_to_online_store());
  old_view.mutable_spec()->set_singleton(view.spec().singleton());
}

void UpdateInPlace(core::LabelView& old_view, const core::LabelView& view, const google::protobuf::Timestamp& now) {
  UpdateCommon(old_view, view, now);
  core::LabelViewSpec& spec = *old_view.mutable_spec();
  *spec.mutable_ttl() = view.spec().ttl();
  spec.set_online(view.spec().online());
  spec.set_labeler_field(view.spec().labeler_field());
  spec.set_conflict_policy(view.spec().conflict_policy());
  spec.set_reference_feature_view(view.spec().reference_feature_view());
  if (view.spec().has_source()) *spec.mutable_source() = view.spec().source();
}

Result<WantedVersion> ParseVersion(std::string_view text) {
  const std::string lower = base::ToLower(text);
  if (lower.empty() || lower == "latest") return WantedVersion{};
  std::string_view digits = lower;
  if (digits.starts_with("version")) {
    digits.remove_prefix(7);
  } else if (digits.starts_with("v")) {
    digits.remove_prefix(1);
  } else {
    digits = {};
  }
  WantedVersion wanted{.is_latest = false, .number = 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), wanted.number);
  if (digits.empty() || digits.front() == '-' || error != std::errc() || end != digits.data() + digits.size()) {
    return InvalidArgument("Invalid version string '{}'. Expected 'latest', 'vN', or 'versionN' (e.g. 'v2', 'version3').", text.substr(0, 64));
  }
  return wanted;
}

}  // namespace sw::feast
