#include "model/engines/plan_lineage.h"

namespace sw::model {

const Kernel* Lineage::KernelOf(PlanColumn of) const {
  const std::size_t inputs = plan_.inputs.size();
  return of.value < inputs ? nullptr : kernels_[of.value - inputs].get();
}

std::optional<PlanColumn> Lineage::Parent(PlanColumn of) const {
  const Kernel* kernel = KernelOf(of);
  if (kernel == nullptr) return {};
  std::optional<std::uint32_t> column = kernel->SourceColumn(of.column);
  if (!column) return {};
  for (const std::uint32_t value : plan_.stages[of.value - plan_.inputs.size()].in) {
    const auto width = static_cast<std::uint32_t>(shapes_[value].width);
    if (*column < width) return PlanColumn{value, *column};
    *column -= width;
  }
  return {};
}

std::optional<PlanColumn> Lineage::Encoding(PlanColumn of) const {
  for (std::optional<PlanColumn> parent = Parent(of); parent; parent = Parent(of)) {
    if (KernelOf(of)->CategoriesOf(of.column) != nullptr) return PlanColumn{of.value, parent->column};
    of = *parent;
  }
  return {};
}

std::vector<std::uint32_t> Lineage::Groups(std::uint32_t value) const {
  std::vector<std::uint32_t> ends;
  std::optional<PlanColumn> last;
  for (std::uint32_t column = 0; column < shapes_[value].width; ++column) {
    const std::optional<PlanColumn> encoding = Encoding({value, column});
    if (!ends.empty() && encoding && encoding == last) ends.back() = column + 1;
    else ends.push_back(column + 1);
    last = encoding;
  }
  return ends;
}

}  // namespace sw::model
