"""What public data sets call their columns of users, items, ratings, predictions and times."""

# Names in lower case, without anything but letters and digits; the first that is there wins.
USUAL_NAMES = {
    "user": (
        "userid", "user", "users", "uid", "usr", "userkey", "useridx", "userno", "usernumber",
        "reviewerid", "customerid", "custid", "memberid", "accountid", "viewerid", "visitorid",
        "raterid", "authorid", "profileid", "reviewprofilename", "profilename", "username",
        "reviewername", "reviewer", "customer", "member", "profile",
    ),
    "item": (
        "movieid", "itemid", "item", "items", "iid", "mid", "movie", "film", "filmid", "productid",
        "product", "asin", "parentasin", "bookid", "isbn", "isbn13", "animeid", "mangaid",
        "recipeid", "artistid", "trackid", "songid", "albumid", "businessid", "gmapid",
        "restaurantid", "hotelid", "placeid", "venueid", "poiid", "jokeid", "beerid", "beerbeerid",
        "wineid", "gameid", "appid", "courseid", "showid", "videoid", "storyid", "articleid",
        "newsid", "paperid", "workid", "titleid", "goodsid", "itemidx", "itemno",
    ),
    "rating": (
        "rating", "score", "stars", "star", "starrating", "bookrating", "overall",
        "reviewoverall", "userrating", "reviewrating", "reviewscore", "ratingvalue",
        "ratingscore", "overallrating", "myscore", "userscore", "ratings", "rui",
    ),
    "prediction": (
        "prediction", "predictions", "predicted", "pred", "preds", "predictedrating",
        "ratingprediction", "predrating", "ratingpred", "estimate", "est", "estimated",
        "estimatedrating", "yhat", "rhat", "ypred", "score", "scores",
    ),
    "time": (
        "timestamp", "time", "ts", "unixtime", "unixtimestamp", "unixreviewtime", "ratedat",
        "ratingtimestamp", "reviewtimestamp", "createdat", "datetime", "date", "ratingdate",
        "reviewdate", "dateadded", "reviewtime", "timecreated", "submittedat", "created",
        "submitted", "ratedon", "reviewedat",
    ),
}  # fmt: skip
