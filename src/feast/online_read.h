// OnlinePlan: what a list of features asks of the online rows, worked out once a registry snapshot. ReadOnline: the
// newest row of each entity of a request, of all views in one read.
//
//   auto plan = SW_TRY(OnlinePlan::Make(project, SW_TRY(project->Resolve(references)), false));
//   SW_TRY(ReadOnline(rows, *plan, columns, row_count, now, [&](const OnlineAnswer& answer) {
//     answer.At(row, view).Value(feature);            // bytes of a Value
//   }));
//
// A plan is immutable; an answer is a view that is gone when the callback returns.
#pragma once

#include <proto/feast_serving.pb.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "feast/entity_key.h"
#include "feast/online_rows.h"
#include "feast/project.h"

namespace sw::feast {

inline constexpr std::size_t kValuesMax = 5'000'000;  // of one answer

class OnlinePlan {
 public:
  struct ViewPlan {
    const View* view = nullptr;
    std::string alias;
    std::vector<std::string> keys;      // of the request, for each of view->keys
    EntityKeyFormat key_format;
    RowLayout layout;                   // of rows as they are written now
    std::vector<std::size_t> features;  // places in the layout
  };
  // A name that a request may use for entities: a join key, the entity's own name, or what a projection calls it.
  struct Key {
    std::string name;  // in the answer
    ValueType type = ::feast::types::ValueType::INVALID;
  };

  // UNIMPLEMENTED: an on-demand view. FAILED_PRECONDITION: a disabled view. INVALID_ARGUMENT: names that collide, a
  // join key of a type that Feast does not store.
  static Result<std::shared_ptr<const OnlinePlan>> Make(std::shared_ptr<const Project> project, const std::vector<WantedView>& wanted,
                                                        bool full_feature_names);

  const Project& project() const { return *project_; }
  const std::shared_ptr<const Project>& shared_project() const { return project_; }
  const std::vector<ViewPlan>& views() const { return views_; }
  const std::vector<std::string>& names() const { return names_; }  // of the features, view by view
  const Key* FindKey(std::string_view name) const;                  // nullptr: what Feast skips

 private:
  std::shared_ptr<const Project> project_;
  std::vector<ViewPlan> views_;
  std::vector<std::string> names_;
  std::map<std::string, Key, std::less<>> keys_;
};

// Values of one join key, by the name that the answer uses.
struct KeyColumn {
  std::string_view name;
  std::vector<KeyValue> values;
};

class OnlineAnswer {
 public:
  using Status = ::feast::serving::FieldStatus;
  // One view's row of one entity.
  struct Entry {
    Status status = ::feast::serving::NOT_FOUND;  // PRESENT: of the row; its features may be null, or not there
    TimeUs event = 0;                             // 0 when nothing was found
    const OnlineRow* row = nullptr;
    const std::vector<std::int32_t>* places = nullptr;  // of the layout's features in the record; null: as they are
    std::string_view Value(std::size_t feature) const {
      if (places == nullptr) return row->Value(feature);
      return (*places)[feature] < 0 ? std::string_view() : row->Value(static_cast<std::size_t>((*places)[feature]));
    }
    // Of one feature: PRESENT, NULL_VALUE, NOT_FOUND (written before the view had it), OUTSIDE_MAX_AGE.
    Status StatusOf(std::size_t feature) const;
  };
  std::size_t rows() const { return rows_; }
  const Entry& At(std::size_t row, std::size_t view) const { return entries_[row * views_ + view]; }

 private:
  friend sw::Status ReadOnline(const OnlineRows&, const OnlinePlan&, std::span<const KeyColumn>, std::size_t, TimeUs,
                               const std::function<sw::Status(const OnlineAnswer&)>&);
  std::size_t rows_ = 0;
  std::size_t views_ = 0;
  std::vector<Entry> entries_;
};

// INVALID_ARGUMENT: a view's join key is in no column. RESOURCE_EXHAUSTED: more than kValuesMax values.
Status ReadOnline(const OnlineRows& rows, const OnlinePlan& plan, std::span<const KeyColumn> columns, std::size_t row_count, TimeUs now,
                  const std::function<Status(const OnlineAnswer&)>& visit);

}  // namespace sw::feast
