#include "demo/report.h"

#include "base/errors.h"
#include "base/files.h"
#include "embedded/kEchartsJs.h"
#include "embedded/kReportHtml.h"

namespace sw::demo {
namespace {

// "</script>" inside of a script would end it.
std::string ForScript(std::string text) {
  for (std::size_t at = text.find("</"); at != std::string::npos; at = text.find("</", at + 3)) text.insert(at + 1, "\\");
  return text;
}

Result<std::string> Filled(std::string page, std::string_view mark, std::string_view with) {
  const std::size_t at = page.find(mark);
  if (at == std::string::npos) return Internal("the report's page has no {}", mark);
  return page.replace(at, mark.size(), with);
}

}  // namespace

Status WriteReport(const Story& story, const std::string& path) {
  std::string page(kReportHtml);
  page = SW_TRY(Filled(std::move(page), "/*STORY*/null", ForScript(story.ToJson().Dump())));
  page = SW_TRY(Filled(std::move(page), "/*ECHARTS*/", kEchartsJs));
  return base::WriteFileAtomic(path, page);
}

}  // namespace sw::demo
