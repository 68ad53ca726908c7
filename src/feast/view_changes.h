// What changes of a view Feast counts as a new version (its schema, its transformation), and what it takes over in
// place (tags, ttl, sources, ...). Pure.
//
// Transformations are told apart by their source text: the pickled bytes beside it differ from one Python to the next.
#pragma once

#include <google/protobuf/timestamp.pb.h>
#include <proto/feast_core.pb.h>

#include <string_view>
#include <utility>

#include "base/result.h"

namespace sw::feast {

bool IsNewVersion(const ::feast::core::FeatureView& old_view, const ::feast::core::FeatureView& view);
bool IsNewVersion(const ::feast::core::StreamFeatureView& old_view, const ::feast::core::StreamFeatureView& view);
bool IsNewVersion(const ::feast::core::OnDemandFeatureView& old_view, const ::feast::core::OnDemandFeatureView& view);
bool IsNewVersion(const ::feast::core::LabelView& old_view, const ::feast::core::LabelView& view);

// All that is defined is equal, but for which version is wanted.
bool IsSameDefinition(const ::feast::core::FeatureView& a, const ::feast::core::FeatureView& b);
bool IsSameDefinition(const ::feast::core::StreamFeatureView& a, const ::feast::core::StreamFeatureView& b);
bool IsSameDefinition(const ::feast::core::OnDemandFeatureView& a, const ::feast::core::OnDemandFeatureView& b);
bool IsSameDefinition(const ::feast::core::LabelView& a, const ::feast::core::LabelView& b);

bool IsSameSource(const ::feast::core::DataSource& a, const ::feast::core::DataSource& b);

// Takes over what makes no new version.
void UpdateInPlace(::feast::core::FeatureView& old_view, const ::feast::core::FeatureView& view, const google::protobuf::Timestamp& now);
void UpdateInPlace(::feast::core::StreamFeatureView& old_view, const ::feast::core::StreamFeatureView& view, const google::protobuf::Timestamp& now);
void UpdateInPlace(::feast::core::OnDemandFeatureView& old_view, const ::feast::core::OnDemandFeatureView& view, const google::protobuf::Timestamp& now);
void UpdateInPlace(::feast::core::LabelView& old_view, const ::feast::core::LabelView& view, const google::protobuf::Timestamp& now);

// "", "latest": the newest; "v2", "version2", whatever case: that one, 2. INVALID_ARGUMENT otherwise.
struct WantedVersion {
  bool is_latest = true;
  int number = 0;
};
Result<WantedVersion> ParseVersion(std::string_view text);

}  // namespace sw::feast
