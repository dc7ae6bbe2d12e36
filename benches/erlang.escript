#!/usr/bin/env escript
%%! +P 2000000
%% The rows of the table that Erlang/OTP has an equal for: gen_servers under a simple_one_for_one supervisor.
%% `cargo bench -p skep-benches --bench table` runs it where there is an `escript`, in the same run. A row a line: its name, a tab, its figure.
-mode(compile).
-export([start_link/0, init/1, handle_call/3, handle_cast/2]).

-define(MANY, 100000).

start_link() -> gen_server:start_link(?MODULE, one, []).

init(sup) -> {ok, {#{strategy => simple_one_for_one, intensity => 1000000, period => 1},
                   [#{id => one, start => {?MODULE, start_link, []}, restart => permanent, shutdown => 5000}]}};
init(one) ->
    %% Whoever counts restarts hears of each start.
    case whereis(starts) of undefined -> ok; Counts -> Counts ! {started, self()} end,
    {ok, 0}.

handle_call({through, _, 0}, _, Sum) -> {reply, ok, Sum};
handle_call({through, One, Times}, _, Sum) ->
    {Took, ok} = took(fun() -> asks(One, Times) end),
    {reply, Took, Sum};
handle_call(Number, _, Sum) -> {reply, Number + 1, Sum}.

handle_cast(crash, _) -> exit(again);
handle_cast(Number, Sum) -> {noreply, Sum + Number}.

asks(_, 0) -> ok;
asks(One, Times) -> _ = gen_server:call(One, Times, 30000), asks(One, Times - 1).

%% How many nanoseconds something takes, and what it gives.
took(Run) ->
    Began = erlang:monotonic_time(nanosecond),
    Result = Run(),
    {erlang:monotonic_time(nanosecond) - Began, Result}.

supervisor() -> {ok, Sup} = supervisor:start_link(?MODULE, sup), Sup.

spawn_one(Sup) -> {ok, One} = supervisor:start_child(Sup, []), One.

spawn_many(Sup) -> [spawn_one(Sup) || _ <- lists:seq(1, ?MANY)].

%% The supervisor stops its children, and is waited for.
stop(Sup) ->
    unlink(Sup),
    Ref = monitor(process, Sup),
    exit(Sup, shutdown),
    receive {'DOWN', Ref, process, Sup, _} -> ok end.

ask_p50() ->
    One = spawn_one(supervisor()),
    asks(One, 20000),
    Took = [element(1, took(fun() -> gen_server:call(One, N, 30000) end)) || N <- lists:seq(1, 200000)],
    lists:nth(100000, lists:sort(Took)).

inside() ->
    Sup = supervisor(),
    {One, Asker} = {spawn_one(Sup), spawn_one(Sup)},
    Took = [gen_server:call(Asker, {through, One, 1000}, infinity) / 1000 || _ <- lists:seq(1, 100)],
    lists:nth(50, lists:sort(Took)).

tell() ->
    One = spawn_one(supervisor()),
    {Took, _} = took(fun() ->
        [gen_server:cast(One, N) || N <- lists:seq(1, 1000000)],
        gen_server:call(One, 0, infinity)
    end),
    1.0e15 / Took.

spawns() ->
    Sup = supervisor(),
    {Took, _} = took(fun() -> spawn_many(Sup) end),
    stop(Sup),
    ?MANY * 1.0e9 / Took.

bytes() ->
    Sup = supervisor(),
    Before = erlang:memory(total),
    All = spawn_many(Sup),
    Grown = erlang:memory(total) - Before,
    _ = length(All),
    stop(Sup),
    Grown / ?MANY.

stops() ->
    Sup = supervisor(),
    _ = spawn_many(Sup),
    {Took, _} = took(fun() -> stop(Sup) end),
    Took / 1.0e6.

%% 1,000 children, 20 crashes each, told to whoever has just started.
restarts() ->
    Sup = supervisor(),
    All = [spawn_one(Sup) || _ <- lists:seq(1, 1000)],
    register(starts, self()),
    {Took, _} = took(fun() ->
        [gen_server:cast(One, crash) || One <- All],
        crash_again(19000),
        [receive {started, _} -> ok end || _ <- lists:seq(1, 1000)]
    end),
    20000 * 1.0e9 / Took.

crash_again(0) -> ok;
crash_again(Left) -> receive {started, One} -> gen_server:cast(One, crash) end, crash_again(Left - 1).

life() ->
    {Took, _} = took(fun() ->
        Sup = supervisor(),
        Self = self(),
        [begin
            One = spawn_one(Sup),
            spawn(fun() -> Self ! {answer, gen_server:call(One, N, 30000)} end)
        end || N <- lists:seq(1, ?MANY)],
        [receive {answer, _} -> ok end || _ <- lists:seq(1, ?MANY)],
        stop(Sup)
    end),
    Took / 1.0e3 / ?MANY.

main(Wanted) ->
    process_flag(trap_exit, true),
    logger:set_primary_config(level, none),
    %% By the beginnings of their names, which are plain letters.
    Rows = [{"ask on one worker, p50", fun ask_p50/0},
            {"ask inside a turn", fun inside/0},
            {"tell to one agent", fun tell/0},
            {"spawn 100,000 children", fun spawns/0},
            {"bytes for an idle agent", fun bytes/0},
            {"stop 100,000 idle", fun stops/0},
            {"restarts after a panic", fun restarts/0},
            {"spawn, one task, gather, stop", fun life/0}],
    [io:format("~f~n", [float(Run())]) || {Name, Run} <- Rows, lists:any(fun(W) -> lists:prefix(Name, W) end, Wanted)].
