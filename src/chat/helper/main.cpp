// main.cpp: trimtab-chat, the process that lays out conversations for trimtab with llama.cpp's own chat code.
//
// It reads one request a line (JSON, "do" says what) from standard input and writes one answer a line to standard output:
// what was asked for, or {"error": SENTENCE}. It ends at the end of its input. src/chat/helper_process.c starts it.
#include "clock.h"
#include "engine.h"
#include "limits.h"
#include "log.h"

#include <cstring>
#include <exception>
#include <iostream>
#include <string>

using json = common_json;

static json answer(engine &chat, const json &request) {
    const auto what = request.at("do").get<std::string>();
    clock_set(request.contains("now") ? request.at("now").get<int64_t>() : -1);
    if (what == "open") return chat.open(request);
    if (what == "render") return chat.render(request);
    if (what == "parse") return chat.parse(request);
    if (what == "grammar") return chat.grammar(request);
    throw std::invalid_argument("'" + what + "' is no request");
}

// One line for one line, whatever happens. What was not UTF-8 in it is no more.
static std::string answer_line(engine &chat, const std::string &line) {
    json result;
    try {
        result = answer(chat, json::parse(line));
    } catch (const std::bad_alloc &) {
        return "{\"error\":\"it takes more memory than it is allowed\"}";
    } catch (const std::exception &e) {
        result = json::object();
        result["error"] = sentence_of(e);
    }
    return result.dump_safe();
}

int main(int argc, char **argv) {
    if (argc > 1 && std::strcmp(argv[1], "--version") == 0) {
        std::cout << CHAT_ENGINE_VERSION << "\n";
        return 0;
    }
    enum { SECONDS = 2 };
    common_log_set_verbosity_thold(-1); // it would start a thread to write what nobody reads
    std::ios::sync_with_stdio(false);
    limits_begin();
    engine chat;
    std::string line;
    while (std::getline(std::cin, line)) {
        limits_for_request(SECONDS);
        std::cout << answer_line(chat, line) << "\n" << std::flush;
        if (!std::cout) return 1;
    }
    return 0;
}
