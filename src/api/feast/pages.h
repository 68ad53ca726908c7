// Pages of a listing: sorted by one attribute as Feast's Python objects name it, then cut.
//
//   std::vector<const Entity*> page = TakePage(std::move(entities), request.pagination(), request.sorting(), *response.mutable_pagination());
//
// Functions; immutable.
#pragma once

#include <google/protobuf/message.h>
#include <proto/feast_registry.pb.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sw::feast {

// Sorts by the attribute ("name", "created_timestamp", "spec.owner"), without case; what lacks it comes first.
void SortBy(std::vector<const google::protobuf::Message*>& objects, std::string_view attribute, bool is_descending);

// Which part of so many objects a page is: [first, end). Fills the metadata as Feast does, all zero for no objects.
struct Page {
  std::size_t first = 0;
  std::size_t end = 0;
};
Page CutPage(std::size_t count, const ::feast::registry::PaginationParams& pagination, ::feast::registry::PaginationMetadata& metadata);

template <typename Object>
std::vector<const Object*> TakePage(const std::vector<const Object*>& objects, const ::feast::registry::PaginationParams& pagination,
                                    const ::feast::registry::SortingParams& sorting, ::feast::registry::PaginationMetadata& metadata) {
  std::vector<const google::protobuf::Message*> sorted(objects.begin(), objects.end());
  SortBy(sorted, sorting.sort_by(), sorting.sort_order() == "desc" || sorting.sort_order() == "DESC");
  const Page page = CutPage(sorted.size(), pagination, metadata);
  std::vector<const Object*> taken;
  for (std::size_t i = page.first; i < page.end; ++i) taken.push_back(static_cast<const Object*>(sorted[i]));
  return taken;
}

}  // namespace sw::feast
