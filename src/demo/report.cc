#include "demo/report.h"

#include "base/errors.h"
#include "base/files.h"
#include "embedded/kEchartsJs.h"
#include "embedded/kReportHtml.h"

namespace sw::demo {
namespace {

// Inside of a script, neither a tag nor a comment may begin; JSON has "<" only within strings.
std::string ForScript(const std::string& json) {
  std::string text;
  text.reserve(json.size() + json.size() / 64);
  for (const char each : json) {
    if (each == '<') {
      text += "\\u003c";
    } else {
      text += each;
    }
  }
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
